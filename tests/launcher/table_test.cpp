#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "framework/base/files.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// Tables from the CSV file to the predictions, with real jobs.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

ProgramResult run_tool(const std::string& program, int ranks, const Words& options) {
  return run_program(on_ranks(ranks, Words{program} + options), 100);
}

ProgramResult train_on(const std::string& table, const Words& options) {
  return run_tool("d2l-train", 0, Words{"--data", table, "--threads", "1"} + options);
}

Words lines_of(const std::string& text) {
  std::istringstream stream(text);
  Words lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string cell(const std::string& line, int number) {
  std::istringstream cells(line);
  std::string found;
  for (int i = 0; i <= number; ++i) std::getline(cells, found, ',');
  return found;
}

// The number after `name`: 0.25 in "rmse 0.25, ".
double number_after(const std::string& name, const std::string& text) {
  std::smatch found;
  return std::regex_search(text, found, std::regex(name + " ([0-9.e+-]+)")) ? std::stod(found[1])
                                                                            : NAN;
}

class Tables : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.path() / name; }
  void write(const std::string& name, const std::string& text) const {
    write_text_file(path(name), text);
  }

  // y = 2 a - 3 b + 4, plus 1 for red ones.
  std::string linear_rows(int first, int count) const {
    std::string text = "id,a,b,colour,y\n";
    for (int i = first; i < first + count; ++i) {
      const double a = i * 37 % 101 / 50.0 - 1, b = i * 53 % 97 / 48.0 - 1;
      const bool red = i % 3 == 0;
      text += "r" + std::to_string(i) + "," + std::to_string(a) + "," + std::to_string(b) +
              (red ? ",red," : ",blue,") + std::to_string(2 * a - 3 * b + 4 + red) + "\n";
    }
    return text;
  }
  // Three classes, by the larger of two numbers.
  std::string class_rows(int first, int count) const {
    std::string text = "a,b,kind\n";
    for (int i = first; i < first + count; ++i) {
      const double a = i * 37 % 101 / 50.0 - 1, b = i * 53 % 97 / 48.0 - 1;
      text += std::to_string(a) + "," + std::to_string(b) +
              (a > 0.5   ? ",\"large, a\"\n"
               : b > 0.5 ? ",large b\n"
                         : ",small\n");
    }
    return text;
  }
  void pack(const std::string& name, const std::string& target, const Words& options) const {
    const ProgramResult packed =
        run_tool("d2l-data", 0,
                 Words{"pack", "--from", path(name + ".csv"), "--test-from",
                       path(name + "-test.csv"), "--target", target, "--out", path(name)} +
                     options);
    ASSERT_EQ(packed.exit_code, 0) << packed.output;
  }
  void pack_linear() const {
    write("linear.csv", linear_rows(0, 600));
    write("linear-test.csv", linear_rows(600, 200));
    pack("linear", "y", {"--id", "id"});
  }

  const TemporaryFolder folder_;
};

TEST_F(Tables, HousePricesAsInTheBook) {
  const auto data = data_dir();
  if (data.empty()) GTEST_SKIP() << kNoData;
  const std::string train = data / "house-prices/kaggle_house_pred_train.csv",
                    test = data / "house-prices/kaggle_house_pred_test.csv";
  const ProgramResult packed =
      run_tool("d2l-data", 0,
               {"pack", "--from", train, "--target", "SalePrice", "--id", "Id", "--fit",
                train + "," + test, "--out", path("house")});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  EXPECT_THAT(packed.output, HasSubstr("36 numbers and 43 categories give 331 values"));
  const Words book = {"--model", "linear",       "--optimizer", "adam",     "--lr",
                      "5",       "--batch-size", "64",          "--epochs", "100"};
  const ProgramResult folds =
      train_on(path("house"), book + Words{"--kfold", "5", "--out", path("folds")});
  ASSERT_EQ(folds.exit_code, 0) << folds.output;
  const Words lines = lines_of(read_text_file(path("folds/kfold.csv")));
  EXPECT_EQ(cell(lines[0], 7), "train_log_rmse");
  EXPECT_EQ(cell(lines[0], 11), "test_log_rmse");
  // The book: 0.1652 to 0.1661 and 0.1700 to 0.1713.
  EXPECT_NEAR(std::stod(cell(lines[6], 7)), 0.1657, 0.001);
  EXPECT_NEAR(std::stod(cell(lines[6], 11)), 0.1707, 0.0015);

  const ProgramResult trained = train_on(path("house"), book + Words{"--out", path("run")});
  ASSERT_EQ(trained.exit_code, 0) << trained.output;
  EXPECT_THAT(trained.output, HasSubstr("no test data"));
  std::string first;
  for (const int ranks : {0, 1, 2, 3}) {
    const std::string csv = path("submission-" + std::to_string(ranks) + ".csv");
    const ProgramResult result =
        run_tool("d2l-predict", ranks, {path("run"), test, "--threads", "1", "--out", csv});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    const std::string text = read_text_file(csv);
    if (first.empty()) first = text;
    EXPECT_EQ(text, first) << ranks << " ranks";
  }
  EXPECT_THAT(first, StartsWith("Id,SalePrice\n1461,1"));
  EXPECT_EQ(lines_of(first).size(), 1460u);
  EXPECT_THAT(lines_of(first).back(), StartsWith("2919,"));
}

TEST_F(Tables, PredictionsOfNumbersHaveTheErrorThatTrainingPrinted) {
  pack_linear();
  for (const char* loss : {"squared", "l1", "huber"}) {
    const ProgramResult trained =
        train_on(path("linear"), {"--model", "linear", "--lr", "0.05", "--batch-size", "20",
                                  "--loss", loss, "--best", "mae", "--out", path(loss)});
    ASSERT_EQ(trained.exit_code, 0) << trained.output;
    const std::string metrics = read_text_file(path(std::string(loss) + "/metrics.csv"));
    EXPECT_THAT(lines_of(metrics)[0], HasSubstr("test_loss,test_rmse,test_mae"));
    const ProgramResult predicted =
        run_tool("d2l-predict", 0, {path(loss), path("linear-test.csv"), "--out", path("p.csv")});
    ASSERT_EQ(predicted.exit_code, 0) << predicted.output;
    const double mae = number_after("best test mae", trained.output);
    EXPECT_LT(mae, 0.2) << loss;  // it has learned
    EXPECT_NEAR(number_after(", mae", predicted.output), mae, 1e-3 * mae + 5e-4) << loss;
    EXPECT_THAT(read_text_file(path("p.csv")), StartsWith("id,y\nr600,"));
    // The packed rows give the same.
    const ProgramResult packed = run_tool(
        "d2l-predict", 2, {path(loss), path("linear"), "--out", path("q.csv"), "--threads", "1"});
    ASSERT_EQ(packed.exit_code, 0) << packed.output;
    EXPECT_EQ(read_text_file(path("q.csv")), read_text_file(path("p.csv")));
  }
}

TEST_F(Tables, PredictionsOfClasses) {
  write("kinds.csv", class_rows(0, 900));
  write("kinds-test.csv", class_rows(900, 300));
  pack("kinds", "kind", {});
  const ProgramResult trained =
      train_on(path("kinds"), {"--model", "mlp", "--optimizer", "adam", "--lr", "0.01", "--epochs",
                               "8", "--batch-size", "32", "--out", path("run")});
  ASSERT_EQ(trained.exit_code, 0) << trained.output;
  const ProgramResult predicted =
      run_tool("d2l-predict", 0, {path("run"), path("kinds-test.csv"), "--out", path("p.csv")});
  ASSERT_EQ(predicted.exit_code, 0) << predicted.output;
  const double accuracy = number_after("best test acc", trained.output);
  EXPECT_GT(accuracy, 0.9);
  EXPECT_NEAR(number_after("accuracy", predicted.output), accuracy, 1e-6);
  const Words lines = lines_of(read_text_file(path("p.csv")));
  ASSERT_EQ(lines.size(), 301u);
  EXPECT_EQ(lines[0], "row,kind");
  EXPECT_THAT(lines[1], testing::AnyOf("1,\"large, a\"", "1,large b", "1,small"));
  const ProgramResult two =
      run_tool("d2l-predict", 0,
               {path("run"), path("kinds-test.csv"), "--top", "2", "--out", path("t.csv")});
  ASSERT_EQ(two.exit_code, 0) << two.output;
  EXPECT_EQ(lines_of(read_text_file(path("t.csv")))[0],
            "row,label,class1,probability1,class2,probability2");
}

TEST_F(Tables, OptionsThatDoNotFitAreOneLine) {
  pack_linear();
  const std::pair<Words, const char*> cases[] = {
      {{"--model", "lenet"},
       "model lenet: expected images, found rows of 5 values, which need --model linear, "},
      {{"--loss", "cross-entropy"},
       "--loss cross-entropy expects targets that are classes, found numbers in linear"},
      {{"--label-smoothing", "0.1"}, "--label-smoothing expects targets that are classes"},
      {{"--augment", "flip 0.5"}, "--augment: expected no steps for the rows of a table"},
      {{"--eval-transform", "center-crop 8"}, "--eval-transform: expected no steps for the rows"},
      {{"--resize", "8"}, "expected no steps for the rows of a table"},
      {{"--normalize", "data"}, "--normalize is for images; d2l-data pack standardises"},
      {{"--best", "accuracy"}, "--best expects rmse, mae or loss, found 'accuracy'"},
  };
  for (const auto& [options, message] : cases) {
    const ProgramResult result =
        train_on(path("linear"),
                 Words{"--model", "linear", "--max-steps", "2", "--out", path("run")} + options);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, AllOf(StartsWith("d2l-train: error: "), HasSubstr(message)));
    EXPECT_EQ(lines_of(result.output).size(), 1u) << result.output;
    EXPECT_FALSE(fs::exists(path("run")));
  }
}

TEST_F(Tables, PredictionsRefuseWhatIsNoTableOfThisForm) {
  pack_linear();
  ASSERT_EQ(
      train_on(path("linear"), {"--model", "linear", "--max-steps", "2", "--out", path("run")})
          .exit_code,
      0);
  write("other.csv", "id,a,colour\nx,1,red\n");
  write("empty.csv", "");
  const std::pair<Words, const char*> cases[] = {
      {{path("other.csv")},
       "other.csv: expected the 3 columns of the training data, found none with the name 'b'"},
      {{path("empty.csv")}, "empty.csv"},
      {{path("none.csv")}, "none.csv"},
      {{path("run")}, "expected a table (test) that d2l-data pack has written, found none"},
      {{path("linear.csv"), path("linear-test.csv")},
       "expected one CSV file or one folder of a packed table, found 2"},
      {{path("linear.csv"), "--top", "2"}, "--top has no effect: the network predicts numbers"},
      {{path("linear.csv"), "--sheet", path("s.png")}, "--sheet has no effect"},
      {{path("linear.csv"), "--split", "test"}, "--split has no effect with a file"},
      {{path("linear.csv"), "--confusion", path("c.csv")}, "--confusion has no effect"},
  };
  for (const auto& [words, message] : cases) {
    const ProgramResult result =
        run_tool("d2l-predict", 0, Words{path("run"), "--out", path("p.csv")} + words);
    EXPECT_NE(result.exit_code, 0) << message;
    EXPECT_THAT(result.output, HasSubstr(message));
    EXPECT_THAT(lines_of(result.output).back(), StartsWith("d2l-predict: error: "));
    EXPECT_FALSE(fs::exists(path("p.csv")));
  }
}

}  // namespace
}  // namespace d2l::test
