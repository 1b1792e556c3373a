#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <sstream>

#include "data/formats/write_image.h"
#include "framework/base/files.h"
#include "framework/checkpoint/store.h"
#include "launcher/folds_table.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// Cross-validation, with real jobs.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using launcher::FoldResult;
using launcher::spread_of;
using testing::AllOf;
using testing::ContainsRegex;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST(FoldsTable, HasMeanAndStandardDeviation) {
  EXPECT_DOUBLE_EQ(spread_of({1, 2, 6}).mean, 3);
  EXPECT_DOUBLE_EQ(spread_of({1, 2, 6}).deviation, std::sqrt(7.0));  // 14 / (3 - 1)
  const std::vector<FoldResult> results = {{1, 7, 4, 30, {0.5, NAN}}, {2, 8, 3, 30, {1.5, 0.25}}};
  EXPECT_EQ(launcher::folds_csv({{"test_loss", "test loss"}, {"best", "best"}}, results),
            "fold,train_samples,test_samples,step,test_loss,best\n"
            "1,7,4,30,0.5,\n"
            "2,8,3,30,1.5,0.25\n"
            "mean,,,,1,\n"
            "std,,,,0.707106781,\n");
  EXPECT_EQ(launcher::folds_table({{"test_loss", "test loss"}, {"best", "best"}}, results),
            "fold  samples  test loss   best\n"
            "1       7 + 4      0.500      -\n"
            "2       8 + 3      1.500  0.250\n"
            "mean               1.000      -\n"
            "std                0.707      -\n");
  const FoldResult back =
      launcher::parse_fold_result(launcher::to_text({3, 4, 5, 6, {1.0 / 3, NAN}}));
  EXPECT_EQ(back.fold, 3);
  EXPECT_EQ(back.step, 6);
  ASSERT_EQ(back.values.size(), 2u);
  EXPECT_EQ(back.values[0], 1.0 / 3);
  EXPECT_TRUE(std::isnan(back.values[1]));
  EXPECT_THAT(message_of([] { launcher::parse_fold_result("1 2 x"); }), HasSubstr("'1 2 x'"));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// All numbers of kfold.csv.
std::vector<double> numbers_of(const std::string& csv) {
  std::vector<double> numbers;
  for (const std::string& line : lines_of(csv)) {
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');)
      if (!cell.empty() && cell.find_first_not_of("0123456789.e-+") == std::string::npos)
        numbers.push_back(std::stod(cell));
  }
  return numbers;
}

class KFold : public testing::Test {
 protected:
  std::string out(const std::string& name) const { return folder_.path() / name; }
  std::string csv(const std::string& name) const {
    return read_text_file(fs::path(out(name)) / "kfold.csv");
  }
  // The fingerprint of the training data in the newest checkpoint.
  std::string data_of(const std::string& name) const {
    const auto found = CheckpointStore::newest_valid(fs::path(out(name)) / "checkpoints",
                                                     [](const std::string&) {});
    return found->snapshot.texts.at("data");
  }
  // Trains a network with dropout for two epochs.
  ProgramResult run(int ranks, const std::string& name, const Words& options) const {
    return train(ranks,
                 Words{"--recipe", "dropout-mlp", "--epochs", "2", "--out", out(name)} + options);
  }

  const TemporaryFolder folder_;
};

TEST_F(KFold, HasTheSameResultsOnAnyNumberOfRanks) {
  for (const int ranks : {0, 1, 2, 3, 5}) {
    const std::string name = std::to_string(ranks);
    const ProgramResult result = run(ranks, name, {"--kfold", "5"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    EXPECT_EQ(csv(name), csv("0")) << ranks << " ranks";  // each fold is trained by one rank
  }
  const std::vector<std::string> lines = lines_of(csv("0"));
  ASSERT_EQ(lines.size(), 8u);
  EXPECT_EQ(lines[0],
            "fold,train_samples,test_samples,step,train_loss,train_accuracy,test_loss,"
            "test_accuracy,best_test_accuracy");
  EXPECT_THAT(lines[1], StartsWith("1,3276,820,26,"));
  EXPECT_THAT(lines[5], StartsWith("5,3277,819,26,"));
  EXPECT_THAT(lines[6], StartsWith("mean,,,,"));
  EXPECT_THAT(lines[7], StartsWith("std,,,,"));
  // 7 ranks: groups of two and of one.
  ASSERT_EQ(run(7, "7", {"--kfold", "5"}).exit_code, 0);
  const std::vector<double> found = numbers_of(csv("7")), expected = numbers_of(csv("0"));
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], expected[i], 1e-3 + 1e-3 * expected[i]);
}

TEST_F(KFold, AFoldIsAnOrdinaryRun) {
  ASSERT_EQ(run(4, "all", {"--kfold", "2", "--kfold-shuffle", "on"}).exit_code, 0);
  const ProgramResult alone =
      run(2, "two", {"--kfold", "2", "--kfold-shuffle", "on", "--fold", "2"});
  ASSERT_EQ(alone.exit_code, 0) << alone.output;
  EXPECT_THAT(
      alone.output,
      HasSubstr("\ntrains on 2,048 of the training samples of synthetic, evaluates on the "
                "other 2,048 (fold 2 of 2, drawn at random); the test data are not used\n"));
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", out("two"), out("all/fold-2")}).output, "identical\n");
  EXPECT_EQ(column(out("two"), 8), column(out("all/fold-2"), 8));
  EXPECT_NE(run_program({"d2l-ckpt", "diff", out("two"), out("all/fold-1")}).exit_code, 0);
  const ProgramResult predicted =
      run_program({"d2l-predict", out("all/fold-1"), source_dir() / "data/samples/fashion-mnist"});
  EXPECT_EQ(predicted.exit_code, 0) << predicted.output;
  const ProgramResult started =
      run(0, "started", {"--max-steps", "1", "--weights", out("all/fold-2")});
  EXPECT_EQ(started.exit_code, 0) << started.output;
  const ProgramResult more = train(2, {"--resume", out("two"), "--epochs", "3"});
  EXPECT_EQ(more.exit_code, 0) << more.output;
  EXPECT_THAT(more.output, HasSubstr("epoch 3/3"));
}

TEST_F(KFold, GoesOnAfterAnInterruption) {
  const Words options = {"--recipe", "lenet",    "--kfold",     "3",    "--kfold-shuffle",
                         "on",       "--epochs", "8",           "--lr", "0.2",
                         "--seed",   "5",        "--log-every", "1"};
  ASSERT_EQ(train(0, options + Words{"--out", out("whole")}).exit_code, 0);
  for (const int ranks : {0, 3}) {
    SCOPED_TRACE(ranks);
    const std::string name = concat("cut", ranks);
    Process job(train_command(ranks, options + Words{"--out", out(name)}));
    ASSERT_TRUE(job.wait_for("fold 2: epoch 3/", 100)) << job.output();
    for (const pid_t rank : processes_of("d2l-train", out(name))) kill(rank, SIGKILL);
    EXPECT_NE(job.wait(20).exit_code, 0);
    EXPECT_FALSE(fs::exists(out(name) + "/kfold.csv"));
    const ProgramResult resumed = train(ranks == 0 ? 2 : 0, {"--resume", out(name)});
    ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
    EXPECT_THAT(resumed.output, HasSubstr("fold 2: continuing after step "));
    if (ranks == 0) {
      EXPECT_THAT(resumed.output, HasSubstr("fold 1: nothing left to do"));
    }
    EXPECT_EQ(csv(name), csv("whole"));
    for (const char* fold : {"/fold-1", "/fold-2", "/fold-3"}) {
      EXPECT_EQ(run_program({"d2l-ckpt", "diff", out("whole") + fold, out(name) + fold}).output,
                "identical\n");
      EXPECT_EQ(losses(out(name) + fold), losses(out("whole") + fold));
    }
  }
  // The folds do not follow a new seed, and all folds train longer.
  const std::string data = data_of("whole/fold-3");
  const ProgramResult more =
      train(3, {"--resume", out("whole"), "--epochs", "9", "--seed", "6", "--lr", "0.1"});
  ASSERT_EQ(more.exit_code, 0) << more.output;
  EXPECT_THAT(more.output, HasSubstr("fold 3: epoch 9/9"));
  EXPECT_THAT(data, testing::EndsWith(", without fold 3 of 3, shuffled"));
  EXPECT_EQ(data_of("whole/fold-3"), data);
  for (const char* file : {"/config.ini", "/fold-3/config.ini"})
    EXPECT_THAT(read_text_file(out("whole") + file),
                AllOf(HasSubstr("\nseed = 6\n"), HasSubstr("\nkfold-seed = 5\n")));
  EXPECT_NE(csv("whole"), csv("cut0"));
}

TEST_F(KFold, SaysWhichFoldALineIsAbout) {
  for (const int ranks : {0, 3}) {
    const std::string name = std::to_string(ranks);
    const ProgramResult result = run(ranks, name, {"--kfold", "3"});
    ASSERT_EQ(result.exit_code, 0) << result.output;
    bool is_of_folds = false;
    for (const std::string& line : lines_of(result.output)) {
      if (line.starts_with("warning:")) continue;
      if (line.starts_with("fold  ")) break;  // the table
      if (is_of_folds) {
        EXPECT_THAT(line, ContainsRegex("^fold [123]: ."));
      }
      is_of_folds = is_of_folds || line.starts_with("cross-validation with 3 folds; ");
    }
    EXPECT_TRUE(is_of_folds);
    EXPECT_THAT(result.output, ContainsRegex("\nmean  [ ]*0?[^\n]*\nstd "));
    for (const char* fold : {"1", "2", "3"})
      EXPECT_THAT(
          read_text_file(out(name) + "/fold-" + fold + "/log.txt"),
          AllOf(HasSubstr("epoch 2/2: loss "), HasSubstr("run folder "),
                HasSubstr(concat("(fold ", fold, " of 3); the test")), Not(HasSubstr("fold 1: "))));
    EXPECT_THAT(read_text_file(out(name) + "/log.txt"), HasSubstr("kfold.csv"));
  }
}

TEST_F(KFold, EndsTheWholeJobWhenAFoldFails) {
  const auto errors = [](const std::string& output) {
    std::vector<std::string> found;
    for (const std::string& line : lines_of(output))
      if (line.find("error: ") != std::string::npos) found.push_back(line);
    return found;
  };
  fs::create_directories(out("one"));
  write_text_file(out("one") + "/fold-2", "a file");
  for (const int ranks : {0, 3, 6}) {
    const ProgramResult result =
        run(ranks, "one", {"--kfold", "3", "--epochs", ranks == 0 ? "1" : "1000"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(errors(result.output), ElementsAre(ContainsRegex("error: .*fold 2: .*/one/fold-2")))
        << ranks << " ranks: " << result.output;
    for (const char* left : {"/fold-1", "/fold-3", "/config.ini", "/.lock", "/log.txt"})
      fs::remove_all(out("one") + left);
  }
  // An error of all folds is reported once, unless two folds meet it in the same moment.
  for (const int ranks : {0, 3, 6}) {
    const ProgramResult result = run(ranks, "nan", {"--kfold", "3", "--lr", "1e15"});
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(errors(result.output), AllOf(Not(IsEmpty()), Each(HasSubstr(": the loss is"))))
        << result.output;
    if (ranks == 0) {
      EXPECT_EQ(errors(result.output).size(), 1u) << result.output;
    }
    fs::remove_all(out("nan"));
    const ProgramResult unknown = run(ranks, "unknown", {"--kfold", "3", "--freeze", "conv9.*"});
    EXPECT_EQ(unknown.exit_code, 2);
    EXPECT_THAT(errors(unknown.output), ElementsAre(HasSubstr("'conv9.*'"))) << unknown.output;
    EXPECT_FALSE(fs::exists(out("unknown"))) << ranks;
  }
}

TEST_F(KFold, SaysWhatIsWrong) {
  const auto expect = [&](const Words& options, const char* message, int exit_code = 2) {
    const ProgramResult result = train(0, options);
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    EXPECT_THAT(result.output, HasSubstr(message));
  };
  const Words at = {"--model", "mlp", "--out", out("x")};
  expect(at + Words{"--kfold", "1"}, "--kfold expects at least 2 folds, found 1");
  expect(at + Words{"--kfold", "4097"},
         "--kfold expects at most as many folds as there are training samples, 4096, found 4097");
  expect(at + Words{"--fold", "2"}, "--fold 2 has no effect without --kfold");
  expect(at + Words{"--kfold-shuffle", "on"}, "--kfold-shuffle has no effect without --kfold");
  expect(at + Words{"--kfold", "3", "--fold", "4"}, "--fold expects a fold from 1 to 3");
  expect({"--model", "mlp", "--kfold", "3", "--time", "2"}, "--kfold has no effect with --time");
  EXPECT_FALSE(fs::exists(out("x")));

  ASSERT_EQ(run(0, "run", {"--kfold", "2", "--max-steps", "1"}).exit_code, 0);
  expect({"--model", "mlp", "--kfold", "2", "--out", out("run")},
         "already contains a run; continue it with", 1);
  const Words resume = {"--resume", out("run")};
  expect(resume + Words{"--fold", "1"}, "each fold has a run folder of its own");
  expect(resume + Words{"--kfold", "3"}, "--kfold cannot change within a run");
  expect(resume + Words{"--from", "1"}, "--from 1 expects the run of one fold");
  expect(resume + Words{"--optimizer", "adam"}, "--optimizer cannot change within a run");
  expect({"--resume", out("run/fold-1"), "--fold", "2"}, "--fold cannot change within a run");
}

// Shards of class folders are sorted by class.
TEST_F(KFold, WarnsOfSortedClasses) {
  for (const std::string name : {"ant", "bee", "cat"})
    for (int i = 0; i < 12; ++i) {
      const data::Image grey{{28, 28, 1}, std::vector<uint8_t>(28 * 28, static_cast<uint8_t>(i))};
      const std::vector<uint8_t> bytes = data::encode_png(grey);
      const fs::path folder = out("pets/" + name);
      fs::create_directories(folder);
      write_text_file(folder / concat(i, ".png"), {bytes.begin(), bytes.end()});
    }
  const ProgramResult packed = run_program({"d2l-data", "pack", "--from", out("pets"), "--order",
                                            "source", "--valid", "0.1", "--out", out("shards")});
  ASSERT_EQ(packed.exit_code, 0) << packed.output;
  const Words options = {"--data", out("shards"), "--max-steps", "1", "--kfold", "3"};
  const std::string sorted = run(0, "sorted", options).output,
                    drawn = run(2, "drawn", options + Words{"--kfold-shuffle", "on"}).output;
  EXPECT_THAT(sorted, AllOf(HasSubstr("samples are of classes without training samples: 0 (ant)"),
                            HasSubstr("warning: fold 2: fold 2 of 3 has all training samples "
                                      "of 1 class"),
                            HasSubstr("use --kfold-shuffle on")));
  EXPECT_THAT(drawn, AllOf(HasSubstr("\nmean "), Not(HasSubstr("seem to be sorted"))));
}

}  // namespace
}  // namespace d2l::test
