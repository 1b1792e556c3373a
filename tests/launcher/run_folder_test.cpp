#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "framework/base/files.h"
#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/faults.h"
#include "tests/support/support.h"

// The files that a start writes and those that it leaves unchanged.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class RunFolderTest : public testing::Test {
 protected:
  static Words two_steps(const std::string& run, const Words& more = {}) {
    Words words = {"--model",      "mlp", "--batch-size", "64", "--max-steps", "2",
                   "--save-every", "1",   "--log-every",  "1",  "--out",       run};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  void make_run(const std::string& run, const Words& more = {}) const {
    const ProgramResult result = train(0, two_steps(run, more));
    ASSERT_EQ(result.exit_code, 0) << result.output;
  }
  // All files below `folder` and their content.
  static std::map<std::string, std::string> content(const fs::path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
      files[entry.path()] = entry.is_regular_file() ? read_text_file(entry.path()) : "";
    return files;
  }
  // Expects a rejected resume with one line that contains `complaint` and unchanged files.
  void expect_refused(const Words& options, const std::string& complaint) const {
    const auto before = content(run());
    const ProgramResult result = train(0, options);
    EXPECT_NE(result.exit_code, 0) << result.output;
    EXPECT_THAT(result.output, HasSubstr("d2l-train: error: "));
    EXPECT_THAT(result.output, HasSubstr(complaint));
    EXPECT_EQ(content(run()), before) << complaint;
  }
  std::string run() const { return folder_.path() / "run"; }
  fs::path in_run(const char* name) const { return fs::path(run()) / name; }
  fs::path checkpoint(int64_t step) const {
    return CheckpointStore::path_of(in_run("checkpoints"), step);
  }
  fs::path folder() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

// --- what a run writes besides its state ---

TEST_F(RunFolderTest, TheLogNamesEachCheckpoint) {
  make_run(run(), {"--eval-every", "2"});
  const std::string log = read_text_file(in_run("log.txt"));
  EXPECT_THAT(log, HasSubstr(" saved the checkpoint of step 1\n"));
  // the only evaluation
  EXPECT_THAT(log, HasSubstr(" saved the checkpoint of step 2, the best so far\n"));
}

TEST_F(RunFolderTest, EachJobWritesEventsIfWanted) {
  const auto events = [&] {
    std::string all;
    if (fs::exists(in_run("tensorboard")))
      for (const auto& [path, text] : content(in_run("tensorboard"))) all += text;
    return all;
  };
  make_run(run());
  EXPECT_EQ(events(), "");
  const Words resume = {"--resume", run(), "--max-steps"};
  ASSERT_EQ(train(2, resume + Words{"3", "--tensorboard", "on"}).exit_code, 0);
  EXPECT_THAT(events(), HasSubstr("train/loss"));
  EXPECT_EQ(content(in_run("tensorboard")).size(), 1u);
  ASSERT_EQ(train(0, resume + Words{"4"}).exit_code, 0);  // the option is stored
  EXPECT_EQ(content(in_run("tensorboard")).size(), 2u);
}

// --- starts that fail ---

TEST_F(RunFolderTest, AStartThatFailsLeavesNothing) {
  if (!can_fault()) GTEST_SKIP() << kNoFaults;
  const fs::path deep = folder() / "new" / "folders" / "run";
  for (int ranks : {0, 2}) {
    const ProgramResult failed =
        run_program(with_faults("fsync_folder=EIO", train_command(ranks, two_steps(deep))));
    EXPECT_EQ(failed.exit_code, 1) << failed.output;
    EXPECT_THAT(failed.output, HasSubstr("Input/output error"));
    EXPECT_THAT(content(folder()), IsEmpty()) << ranks;
  }
  make_run(deep);
}

TEST_F(RunFolderTest, AStartThatFailsLeavesWhatWasThere) {
  fs::create_directories(run());
  write_text_file(in_run("notes.txt"), "mine");
  write_text_file(in_run("checkpoints"), "a file where a folder belongs");
  expect_refused(two_steps(run()), "checkpoints");
  fs::remove(in_run("checkpoints"));
  make_run(run());
  EXPECT_EQ(read_text_file(in_run("notes.txt")), "mine");
}

TEST_F(RunFolderTest, AFileSystemThatCannotSyncFoldersIsAWarning) {
  if (!can_fault()) GTEST_SKIP() << kNoFaults;
  for (const std::string error : {"EINVAL", "EOPNOTSUPP", "ENOSYS"}) {
    const std::string out = folder() / error;
    const ProgramResult result =
        run_program(with_faults("fsync_folder=" + error, train_command(0, two_steps(out))));
    EXPECT_EQ(result.exit_code, 0) << result.output;
    const std::string warning = "cannot sync folders to disk";
    EXPECT_THAT(result.output, HasSubstr(warning));
    EXPECT_EQ(result.output.find(warning), result.output.rfind(warning)) << result.output;
    EXPECT_EQ(train(0, {"--resume", out, "--max-steps", "3"}).exit_code, 0);
  }
}

TEST_F(RunFolderTest, SpecialFilesAreNamedAndNotWaitedFor) {
  struct Case {
    const char* name;
    bool resume;
  };
  for (const Case& each : std::initializer_list<Case>{{".lock", false},
                                                      {"log.txt", false},
                                                      {"metrics.csv", false},
                                                      {"checkpoints", false},
                                                      {".lock", true},
                                                      {"log.txt", true},
                                                      {"metrics.csv", true},
                                                      {"config.ini", true}}) {
    fs::remove_all(run());
    fs::create_directories(run());
    if (each.resume) make_run(run());
    fs::remove_all(in_run(each.name));
    ASSERT_EQ(::mkfifo(in_run(each.name).c_str(), 0600), 0);
    const Words words =
        each.resume ? Words{"--resume", run(), "--max-steps", "3"} : two_steps(run());
    const std::string complaint = std::string(each.name) == "checkpoints"
                                      ? "checkpoints: Not a directory"
                                      : in_run(each.name).string() + ": it is not a regular file";
    expect_refused(words, complaint);
  }
}

TEST_F(RunFolderTest, ARunIsNotBegunOverAnother) {
  make_run(run());
  expect_refused(two_steps(run()), "already contains a run; continue it with --resume");
  fs::remove(in_run("config.ini"));
  fs::remove_all(in_run("checkpoints"));
  expect_refused(two_steps(run()), "already contains the metrics.csv of a run");
}

TEST_F(RunFolderTest, LeftoversOfProcessesThatDiedGo) {
  make_run(run());
  const fs::path left[] = {unused_name_beside(in_run("config.ini")),
                           unused_name_beside(in_run("metrics.csv")),
                           unused_name_beside(checkpoint(3)), in_run("config.ini.tmp")};
  for (const fs::path& path : left) write_text_file(path, "half");
  write_text_file(in_run("notes.tmp"), "mine");
  ASSERT_EQ(train(0, {"--resume", run(), "--max-steps", "3"}).exit_code, 0);
  for (const fs::path& path : left) EXPECT_FALSE(fs::exists(path)) << path;
  EXPECT_TRUE(fs::exists(in_run("notes.tmp")));
}

// --- resumes that are refused ---

TEST_F(RunFolderTest, AResumeThatIsRefusedHasWrittenNothing) {
  make_run(run());
  const Words further = {"--resume", run(), "--max-steps", "4", "--lr", "0.05"};
  const std::string metrics = read_text_file(in_run("metrics.csv"));
  write_text_file(in_run("metrics.csv"), "step;\tepoch\r\n");
  expect_refused(further, "found 'step;\\tepoch'");
  write_text_file(in_run("metrics.csv"), metrics);
  Words inside_epoch = further;
  inside_epoch.insert(inside_epoch.end(), {"--batch-size", "128"});
  expect_refused(inside_epoch, "--batch-size can change only between epochs");
  expect_refused({"--resume", run(), "--from", "1", "--momentum", "0.5"}, "--momentum");
}

TEST_F(RunFolderTest, MetricsWithOtherLineEndsAreRead) {
  make_run(run());
  std::string metrics = "\xef\xbb\xbf" + read_text_file(in_run("metrics.csv"));
  for (size_t at = 0; (at = metrics.find('\n', at)) != std::string::npos; at += 2)
    metrics.insert(at, "\r");
  write_text_file(in_run("metrics.csv"), metrics);
  const ProgramResult result = train(0, {"--resume", run(), "--max-steps", "4"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(losses(run()).size(), 4u);
  EXPECT_THAT(read_text_file(in_run("metrics.csv")), Not(HasSubstr("\r")));
}

// --- files of another run ---

TEST_F(RunFolderTest, ACheckpointOfAnotherRunIsNamedAndSkipped) {
  make_run(run());
  const std::string other = folder() / "other";
  make_run(other, {"--seed", "1", "--max-steps", "5"});
  const fs::path foreign = CheckpointStore::path_of(fs::path(other) / "checkpoints", 5);
  fs::copy(foreign, checkpoint(5));
  const ProgramResult result = train(2, {"--resume", run(), "--max-steps", "3"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr(checkpoint(5).string() + ": expected a checkpoint of run "),
                    HasSubstr("; skipped"), HasSubstr("continuing after step 2")));
  expect_refused({"--resume", run(), "--from", "5"}, "expected a checkpoint of run ");
  expect_refused({"--resume", run(), "--from", foreign}, "expected a checkpoint of run ");
}

TEST_F(RunFolderTest, ACheckpointWithAnothersNameIsNamedAndSkipped) {
  make_run(run());
  fs::copy(checkpoint(1), checkpoint(9));
  const ProgramResult result = train(0, {"--resume", run(), "--max-steps", "3"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("expected the state of step 9, found that of step 1"),
                                   HasSubstr("continuing after step 2")));
  expect_refused({"--resume", run(), "--from", "9"}, "expected the state of step 9");
}

TEST_F(RunFolderTest, MetricsOfAnotherRunAreRefused) {
  make_run(run());
  const fs::path other = folder() / "other";
  make_run(other);
  fs::copy_file(other / "metrics.csv", in_run("metrics.csv"), fs::copy_options::overwrite_existing);
  expect_refused({"--resume", run(), "--max-steps", "4"}, "metrics.csv:2: expected rows of run ");
}

TEST_F(RunFolderTest, EachRunHasItsIdentifierAndTheStateIsTheSame) {
  make_run(run());
  const fs::path other = folder() / "other";
  const ProgramResult copy = train(0, {"--config", in_run("config.ini"), "--out", other.string()});
  ASSERT_EQ(copy.exit_code, 0) << copy.output;
  const auto id = [](const fs::path& config) {
    const std::string text = read_text_file(config), name = "\nrun-id = ";
    return text.substr(text.find(name) + name.size(), 16);
  };
  const std::string mine = id(in_run("config.ini")), its = id(other / "config.ini");
  EXPECT_EQ(mine.find_first_not_of("0123456789abcdef"), std::string::npos) << mine;
  EXPECT_NE(mine, its);
  EXPECT_EQ(read_checkpoint(checkpoint(2)).texts.at("run"), mine);
  EXPECT_THAT(read_text_file(in_run("metrics.csv")), HasSubstr("," + mine + "\n"));
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", run(), other}).output, "identical\n");
  EXPECT_THAT(train(0, two_steps(folder() / "x", {"--run-id", "1"})).output,
              HasSubstr("unknown option '--run-id'"));
  EXPECT_THAT(run_program({"d2l-train", "--help"}).output, Not(HasSubstr("run-id")));
}

// As left by versions without identifiers.
TEST_F(RunFolderTest, ARunOfAnEarlierVersionGoesOn) {
  make_run(run());
  std::string config = read_text_file(in_run("config.ini"));
  const size_t line = config.find("run-id = ");
  config.erase(line, config.find('\n', line) + 1 - line);
  write_text_file(in_run("config.ini"), config);
  std::string metrics = read_text_file(in_run("metrics.csv"));
  for (size_t end = 0; (end = metrics.find('\n', end)) != std::string::npos;) {
    const size_t comma = metrics.rfind(',', end);
    metrics.erase(comma, end - comma);
    end = comma + 1;
  }
  write_text_file(in_run("metrics.csv"), metrics);
  Snapshot foreign = read_checkpoint(checkpoint(2));
  foreign.integers["progress/step"] = 3;
  for (const int64_t step : {1, 2}) {
    Snapshot snapshot = read_checkpoint(checkpoint(step));
    snapshot.texts.erase("run");
    snapshot.texts["config"] = config;
    write_checkpoint(checkpoint(step), snapshot);
  }
  write_checkpoint(checkpoint(3), foreign);
  const ProgramResult result = train(0, {"--resume", run(), "--max-steps", "4"});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr("expected a checkpoint of a run without an"),
                                   HasSubstr("continuing after step 2")));
  EXPECT_EQ(losses(run()).size(), 4u);
  EXPECT_EQ(train(0, {"--resume", run(), "--max-steps", "5"}).exit_code, 0);
}

// --- impossible states ---

TEST_F(RunFolderTest, AbsurdStateIsRefusedWithItsField) {
  make_run(run(), {"--optimizer", "adam", "--ema", "0.9"});
  const Snapshot sound = read_checkpoint(checkpoint(2));
  const auto refused = [&](const std::function<void(Snapshot&)>& edit, const char* complaint) {
    Snapshot absurd = sound;
    edit(absurd);
    write_checkpoint(in_run("absurd.h5"), absurd);  // a name without a step
    expect_refused({"--resume", run(), "--from", in_run("absurd.h5"), "--max-steps", "4"},
                   complaint);
  };
  refused([](Snapshot& s) { s.integers["progress/step"] = -1; },
          "progress/step: expected a number");
  refused([](Snapshot& s) { s.integers["progress/epoch_samples"] = int64_t{1} << 62; },
          "progress/epoch_samples: expected a number from ");
  refused([](Snapshot& s) { s.reals["progress/best_accuracy"] = std::nan(""); },
          "progress/best_accuracy: expected a number, found nan");
  refused([](Snapshot& s) { s.integers["optimizer/steps"] = -5; }, "optimizer/steps: expected");
  refused(
      [](Snapshot& s) {
        s.arrays["optimizer/square/output.bias"].bytes[3] = 0x80;
        s.arrays["optimizer/square/output.bias"].bytes[2] = 0x80;
      },
      "optimizer/square/output.bias: expected no negative elements");
  refused(
      [](Snapshot& s) {
        s.arrays["ema/parameters/output.bias"].bytes[3] = 0x7f;
        s.arrays["ema/parameters/output.bias"].bytes[2] = 0xff;
      },
      "ema/parameters/output.bias: expected numbers");
}

}  // namespace
}  // namespace d2l::test
