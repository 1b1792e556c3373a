#include <gmock/gmock.h>

#include <cmath>

#include "data/table/encode_rows.h"
#include "data/table/fit_table.h"
#include "tests/data/table_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = TableColumn::Kind;

class TableFitting : public testing::Test {
 protected:
  // Writes a file and returns its path.
  fs::path file(const std::string& name, const std::string& text) const {
    write_text(folder.path() / name, text);
    return folder.path() / name;
  }
  // The message for a table "t.csv", without the folder.
  std::string fit_error(const std::string& text, const TableFitOptions& options) const {
    const fs::path path = file("t.csv", text);
    std::string message = message_of([&] { fit_table(path, {}, options); });
    const std::string begin = folder.path().string() + "/";
    for (size_t at = message.find(begin); at != std::string::npos; at = message.find(begin))
      message.erase(at, begin.size());
    return message;
  }

  TemporaryFolder folder;
};

// The book, chapter 2.2: house_tiny.csv.
constexpr const char* kTiny =
    "NumRooms,Alley,Price\nNA,Pave,127500\n2,NA,106000\n4,NA,178100\nNA,NA,140000\n";

TEST_F(TableFitting, HouseTinyAsInTheBook) {
  const fs::path path = file("house_tiny.csv", kTiny);
  const TableFit fit = fit_table(path, {}, {.target = "Price", .standardize = false});
  EXPECT_EQ(fit.form.values(), 3);
  EXPECT_EQ(fit.rows, 4);
  const EncodeResult result = encode_rows(path, fit.form);
  EXPECT_THAT(result.rows.values, ElementsAre(3, 1, 0, 2, 0, 1, 4, 0, 1, 3, 0, 1));
  EXPECT_THAT(result.rows.targets, ElementsAre(127500, 106000, 178100, 140000));
  EXPECT_TRUE(result.rows.labels.empty());
  EXPECT_THAT(result.rows.lines, ElementsAre(2, 3, 4, 5));
  EXPECT_EQ(fit.form.target().least, 106000);
  EXPECT_EQ(fit.form.target().largest, 178100);
  EXPECT_THAT(fit.missing, ElementsAre(std::pair<std::string, int64_t>("NumRooms", 2),
                                       std::pair<std::string, int64_t>("Alley", 3)));
}

TEST_F(TableFitting, StandardizesWithTheSampleDeviation) {
  const fs::path path = file("t.csv", "a,y\n1,0\n,0\n2,0\n6,1\n");
  const TableFit fit = fit_table(path, {}, {.target = "y"});
  const double deviation = std::sqrt((4 + 1 + 9) / 2.0);  // of 1, 2, 6 with n - 1
  EXPECT_DOUBLE_EQ(fit.form.columns()[0].deviation, deviation);
  const std::vector<float> values = encode_rows(path, fit.form).rows.values;
  EXPECT_FLOAT_EQ(values[0], static_cast<float>(-2 / deviation));
  EXPECT_EQ(values[1], 0);
  EXPECT_FLOAT_EQ(values[3], static_cast<float>(3 / deviation));
}

TEST_F(TableFitting, ImputesBeforeItStandardizes) {
  const fs::path path = file("t.csv", "a,y\n1,0\n,0\n2,0\n6,1\n");
  const auto value = [&](Impute impute) {
    const TableFitOptions options{.target = "y", .impute = impute, .standardize = false};
    return encode_rows(path, fit_table(path, {}, options).form).rows.values[1];
  };
  EXPECT_EQ(value(Impute::mean), 3);
  EXPECT_EQ(value(Impute::median), 2);
  EXPECT_EQ(value(Impute::zero), 0);
  const TableFit fit = fit_table(path, {}, {.target = "y", .impute = Impute::zero});
  const TableColumn& column = fit.form.columns()[0];
  EXPECT_FLOAT_EQ(encode_rows(path, fit.form).rows.values[1],
                  static_cast<float>(-3 / column.deviation));
  const fs::path even = file("even.csv", "a,y\n5,0\n1,0\n2,0\n4,1\n,1\n");
  EXPECT_EQ(
      fit_table(even, {}, {.target = "y", .impute = Impute::median}).form.columns()[0].replacement,
      3);
}

TEST_F(TableFitting, DropLeavesRowsOutBeforeItFits) {
  const fs::path path =
      file("t.csv", "a,b,c,y\n1,2,x,0\n,900,only here,0\n3,4,,1\n5,6,x,\n7,,x,2\n5,6,z,9\n");
  const TableFit fit =
      fit_table(path, {}, {.target = "y", .impute = Impute::drop, .standardize = false});
  EXPECT_EQ(fit.form.columns()[2].categories, (std::vector<std::string>{"x", "z"}));
  EXPECT_EQ(fit.form.columns()[0].replacement, 3);
  EXPECT_EQ(fit.form.columns()[1].replacement, 4);
  EXPECT_EQ(fit.form.target().largest, 9);
  const EncodeResult result = encode_rows(path, fit.form);
  EXPECT_EQ(result.left_out, 3);
  EXPECT_THAT(result.rows.lines, ElementsAre(2, 4, 7));
  EXPECT_THAT(result.rows.targets, ElementsAre(0, 1, 9));
}

TEST_F(TableFitting, ClassesAndStatedKinds) {
  const fs::path path = file("t.csv", "a,b,y\n1,10,1\n2,9,0\n1,10,0\n");
  const TableFit fit = fit_table(path, {}, {.target = "y", .categorical = {"y", "b"}});
  EXPECT_EQ(fit.form.target().classes, (std::vector<std::string>{"0", "1"}));
  EXPECT_THAT(fit.class_counts, ElementsAre(2, 1));
  EXPECT_EQ(fit.form.columns()[1].categories, (std::vector<std::string>{"9", "10"}));
  const EncodeResult result = encode_rows(path, fit.form);
  EXPECT_THAT(result.rows.labels, ElementsAre(1, 0, 0));
  EXPECT_TRUE(result.rows.targets.empty());
  EXPECT_TRUE(fit.notes.empty()) << fit.notes[0];
}

TEST_F(TableFitting, IdsAndIgnoredColumnsAreNoValues) {
  const fs::path path = file("t.csv", "Name,u,a,y\nx,,1,1\ny,,2,0\n");
  const TableFit fit = fit_table(path, {}, {.target = "y", .id_column = "Name", .ignored = {"u"}});
  EXPECT_EQ(fit.form.values(), 1);
  EXPECT_THAT(encode_rows(path, fit.form).rows.ids, ElementsAre("x", "y"));
}

TEST_F(TableFitting, OtherFilesAreFittedWithoutTarget) {
  const fs::path train = file("train.csv", "a,c,y\n1,x,5\n3,x,7\n");
  const fs::path test = file("test.csv", "c,new,a\ny,,8\n");
  const TableFit fit = fit_table(train, {train, test}, {.target = "y", .standardize = false});
  EXPECT_EQ(fit.rows, 3);
  EXPECT_EQ(fit.form.columns()[0].replacement, 4);
  EXPECT_EQ(fit.form.columns()[1].categories, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(fit.form.target().largest, 7);
  ASSERT_EQ(fit.notes.size(), 2U);
  EXPECT_THAT(fit.notes[0], testing::EndsWith("train.csv does not have are not used: new"));
  EXPECT_EQ(fit.notes[1],
            "the targets are only a few whole numbers; --categorical y makes them classes");
  const TableFit of_test = fit_table(train, {test}, {.target = "y", .standardize = false});
  EXPECT_EQ(of_test.rows, 1);
  EXPECT_EQ(of_test.form.columns()[1].categories, (std::vector<std::string>{"y"}));
  const EncodeResult rows = encode_rows(train, of_test.form);
  EXPECT_THAT(rows.rows.values, ElementsAre(1, 0, 0, 3, 0, 0));
  ASSERT_EQ(rows.notes.size(), 1U);
  EXPECT_THAT(rows.notes[0],
              HasSubstr("train.csv: column 'c': 2 rows have categories that the training data do "
                        "not have, such as 'x' ("));
  EXPECT_THAT(message_of([&] { fit_table(test, {train}, {.target = "a"}); }),
              HasSubstr("train.csv: expected the columns of "));
}

TEST_F(TableFitting, NotesNameWhatIsSuspicious) {
  const fs::path path = file("t.csv",
                             "id,constant,empty,price,mixed,y\n1,5,,\"1,5\",1,0.5\n"
                             "2,5,NA,\"2,5\",2,0.5\n3,5,,\"3,5\",x,0.25\n");
  const TableFit fit = fit_table(path, {}, {.target = "y"});
  ASSERT_EQ(fit.notes.size(), 5U);
  EXPECT_EQ(fit.notes[0], "column 'id' is used as a value; --id id makes it the name of a row");
  EXPECT_THAT(fit.notes[1], HasSubstr("column 'price' is a category, because of '1,5' ("));
  EXPECT_THAT(fit.notes[1], HasSubstr("t.csv, line 2): numbers must have a decimal point"));
  EXPECT_THAT(fit.notes[2], HasSubstr("column 'mixed' is a category, because of 'x' ("));
  EXPECT_THAT(fit.notes[2], HasSubstr("t.csv, line 4), but 2 of its 3 values are numbers"));
  EXPECT_EQ(fit.notes[3], "columns of only one number become 0: constant");
  EXPECT_EQ(fit.notes[4], "columns without any value: empty");
  for (const float value : encode_rows(path, fit.form).rows.values)
    EXPECT_TRUE(std::isfinite(value));
  EXPECT_EQ(fit.form.columns()[1].deviation, 0);
}

TEST_F(TableFitting, ErrorsNameLineAndColumn) {
  EXPECT_EQ(fit_error("a,y\n1,2\nx,3\n", {.target = "y", .numeric = {"a"}}),
            "t.csv, line 3: column 'a': expected a number or no value, found 'x'");
  EXPECT_EQ(fit_error("a,y\n1,2\n1,NA\n", {.target = "y"}),
            "t.csv, line 3: column 'y': expected a target, found 'NA'; --impute drop leaves such "
            "rows out");
  EXPECT_EQ(fit_error("a,y\n1,b\n2,b\n", {.target = "y"}),
            "t.csv: column 'y': expected at least two classes, found only 'b'");
  EXPECT_EQ(fit_error("a,y\n", {.target = "y"}),
            "t.csv: expected rows after the header, found none");
  EXPECT_EQ(fit_error("y\n1\n", {.target = "y"}),
            "t.csv: expected columns besides --target, --id and --ignore, found none");
  EXPECT_EQ(fit_error("a,y\n\"x\ny\",1\n", {.target = "y"}),
            "t.csv, line 2: column 'a': expected a category without control characters, found "
            "'x\\ny'; --ignore a leaves the column out");
  EXPECT_EQ(fit_error("a,y\n,1\n,2\n", {.target = "y", .impute = Impute::drop}),
            "t.csv: expected rows without missing numbers, found none");
  EXPECT_EQ(fit_error("a,y\n1e300,1\n-1e300,2\n", {.target = "y"}),
            "column 'a': expected numbers whose mean and deviation are finite, found -1e+300 to "
            "1e+300");
  std::string names = "First Name,y\n";
  for (int i = 0; i < 1001; ++i) names += "name" + std::to_string(i) + ",1\n";
  EXPECT_EQ(fit_error(names, {.target = "y"}),
            "t.csv, line 1002: column 'First Name': expected at most 1,000 different categories, "
            "found more, such as 'name1000'; --ignore 'First Name' leaves the column out");
}

TEST_F(TableFitting, WrongNamesOfColumnsAreUsageErrors) {
  const fs::path path = file("t.csv", "abc,bcd,y\n1,2,3\n");
  const auto error = [&](const TableFitOptions& options) {
    EXPECT_THROW(fit_table(path, {}, options), UsageError);
    return message_of([&] { fit_table(path, {}, options); });
  };
  EXPECT_THAT(error({.target = "abd"}),
              testing::StartsWith("--target: unknown column 'abd', did you mean 'abc'?"));
  EXPECT_THAT(error({.target = "y", .id_column = "z"}), testing::StartsWith("--id: unknown"));
  EXPECT_THAT(error({.target = "y", .ignored = {"z"}}), testing::StartsWith("--ignore: unknown"));
  EXPECT_THAT(error({.target = "y", .numeric = {"z"}}), testing::StartsWith("--numeric: unknown"));
  EXPECT_THAT(error({.target = "y", .id_column = "y"}), HasSubstr("found it twice"));
  EXPECT_THAT(error({.target = "y", .ignored = {"abc", "abc"}}), HasSubstr("found it twice"));
  EXPECT_THAT(error({.target = "y", .categorical = {"abc"}, .numeric = {"abc"}}),
              HasSubstr("found it in both"));
  EXPECT_THAT(error({.target = "y", .id_column = "abc", .numeric = {"abc"}}),
              HasSubstr("have no kind"));
}

TEST_F(TableFitting, RowsThatDoNotFitTheForm) {
  const fs::path train = file("train.csv", "a,c,y\n1,x,yes\n3,z,no\n");
  const TableForm form = fit_table(train, {}, {.target = "y"}).form;
  const auto error = [&](const std::string& text) {
    const fs::path path = file("t.csv", text);
    return message_of([&] { encode_rows(path, form); });
  };
  EXPECT_THAT(error("a,y\n1,yes\n"), HasSubstr("t.csv: expected the 2 columns of the training "
                                               "data, found none with the name 'c'"));
  EXPECT_THAT(error("a,c\n1,x\n"), HasSubstr("t.csv: expected the target column 'y', found none"));
  EXPECT_THAT(error("a,c,y\n1,x,\n"),
              HasSubstr("line 2: column 'y': expected a target, found none"));
  EXPECT_THAT(
      error("a,c,y\n1,x,maybe\n"),
      HasSubstr("line 2: column 'y': expected a class of the training data, found 'maybe'"));
  EXPECT_THAT(error("a,c,y\none,x,no\n"),
              HasSubstr("line 2: column 'a': expected a number or no value, found 'one'"));
  EXPECT_THAT(error("a,c,y\n1e300,x,no\n"),
              HasSubstr("line 2: column 'a': expected a number that 32-bit floats can hold"));
  EXPECT_THAT(error("a,c,y\n"), HasSubstr("expected rows after the header, found none"));
}

TEST_F(TableFitting, HousePricesAsInTheBook) {
  const fs::path data = data_dir();
  if (data.empty()) GTEST_SKIP() << kNoData;
  const fs::path train = data / "house-prices/kaggle_house_pred_train.csv";
  const fs::path test = data / "house-prices/kaggle_house_pred_test.csv";
  const TableFit fit = fit_table(train, {train, test}, {.target = "SalePrice", .id_column = "Id"});
  EXPECT_EQ(fit.form.values(), 331);
  EXPECT_EQ(fit.rows, 1460 + 1459);
  EXPECT_EQ(fit.form.target().least, 34900);
  EXPECT_EQ(fit.form.target().largest, 755000);
  EXPECT_EQ(fit.form.columns().size(), 79U);
  EXPECT_TRUE(fit.notes.empty()) << fit.notes[0];

  const EncodeResult trained = encode_rows(train, fit.form);
  const EncodeResult tested = encode_rows(test, fit.form, {.for_predictions = true});
  EXPECT_EQ(trained.rows.rows(), 1460);
  EXPECT_EQ(tested.rows.rows(), 1459);
  EXPECT_TRUE(trained.notes.empty());
  EXPECT_TRUE(tested.notes.empty());
  EXPECT_FALSE(tested.has_targets);
  EXPECT_EQ(tested.rows.ids.back(), "2919");
  // Missing values became 0, so the sums are those of the values that are present.
  size_t at = 0;
  for (size_t i = 0; i < fit.form.columns().size(); ++i) {
    const TableColumn& column = fit.form.columns()[i];
    if (column.kind == Kind::number) {
      double sum = 0, squares = 0;
      for (const std::vector<float>* values : {&trained.rows.values, &tested.rows.values})
        for (size_t row = 0; row < values->size(); row += 331) {
          sum += (*values)[row + at];
          squares += std::pow((*values)[row + at], 2);
        }
      const auto present = static_cast<double>(fit.rows - fit.missing[i].second);
      EXPECT_NEAR(sum / present, 0, 1e-6) << column.name;
      EXPECT_NEAR(squares / (present - 1), 1, 1e-5) << column.name;
    }
    at += static_cast<size_t>(column.values());
  }
}

}  // namespace
}  // namespace d2l::data::test
