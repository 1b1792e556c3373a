#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <regex>

#include "framework/base/program.h"
#include "framework/base/terminal.h"
#include "framework/base/text.h"
#include "framework/checkpoint/store.h"
#include "launcher/options/wall_time.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// A run that is asked to stop saves its state, and continues from there.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;

TEST(WallTime, HasTheFormsOfPeopleAndOfSlurm) {
  const auto seconds = [](const char* text) {
    return launcher::parse_wall_time("--max-time", text).seconds;
  };
  EXPECT_EQ(seconds("0"), 0);
  EXPECT_EQ(seconds("90s"), 90);
  EXPECT_EQ(seconds("30m"), 1800);
  EXPECT_EQ(seconds("1.5h"), 5400);
  EXPECT_EQ(seconds("2d"), 172800);
  EXPECT_EQ(seconds("12:00:00"), 43200);
  EXPECT_EQ(seconds("1-02:03:04"), 93784);
  for (const char* bad : {"", "5", "-5s", "5x", "1:30", "1:60:00", "1:2:3:4", "1-2", "a-1:00:00",
                          "1-", "s", "nans", "1e9d", "1 h", ":00:00"})
    EXPECT_THAT(message_of([&] { seconds(bad); }),
                HasSubstr(concat("--max-time expects a time of at most 10 years, for example 90s, "
                                 "30m, 1.5h, 2d, 12:00:00 or 1-12:00:00, found '",
                                 bad, "'")));
}

class Stop : public testing::Test {
 protected:
  Words options(const fs::path& run) const {
    return {"--recipe", "lenet", "--epochs", "100000",   "--keep",
            "100",      "--out", run,        "--resume", "auto"};
  }
  // Starts a job that would run for long; returns when it trains.
  std::unique_ptr<Process> start(int ranks) const {
    auto job = std::make_unique<Process>(train_command(ranks, options(run_)));
    EXPECT_TRUE(job->wait_for("epoch 1/", 60)) << job->output();
    return job;
  }
  // The step after which a job has stopped.
  static int64_t step_in(const std::string& output) {
    std::smatch found;
    if (!std::regex_search(output, found, std::regex("stopped after step ([0-9]+): "))) return -1;
    return std::stoll(found[1]);
  }
  // Continues to `step`, with the command that began the run.
  void expect_continues_exactly(int ranks, int64_t step) const {
    const fs::path whole = folder_.path() / "whole";
    for (const fs::path& run : {run_, whole}) {
      const ProgramResult result =
          train(ranks, options(run) + Words{"--max-steps", std::to_string(step)});
      ASSERT_EQ(result.exit_code, 0) << result.output;
    }
    const ProgramResult equal =
        run_program({"d2l-ckpt", "diff", CheckpointStore::path_of(run_ / "checkpoints", step),
                     CheckpointStore::path_of(whole / "checkpoints", step)});
    EXPECT_EQ(equal.exit_code, 0) << equal.output;
  }

  const TemporaryFolder folder_;
  const fs::path run_ = folder_.path() / "run";
};

TEST_F(Stop, ASignalToOneRankStopsAllAfterTheSameStep) {
  for (const int ranks : {0, 3}) {
    fs::remove_all(run_);
    const auto job = start(ranks);
    kill(processes_of("d2l-train", run_).back(), SIGTERM);
    const ProgramResult result = job->wait(20);
    EXPECT_EQ(result.exit_code, kStoppedEarly) << result.output;
    EXPECT_THAT(result.output, HasSubstr(ranks == 0 ? ": SIGTERM, sent by process "
                                                    : ": another rank was asked to stop"));
    const int64_t step = step_in(result.output);
    EXPECT_EQ(CheckpointStore::steps(run_ / "checkpoints").back(), step);
    expect_continues_exactly(ranks, step + 3);
    fs::remove_all(folder_.path() / "whole");
  }
}

TEST_F(Stop, MpirunPassesOnSIGUSR1) {
  const auto job = start(2);
  kill(mpirun_above(processes_of("d2l-train", run_).at(0)), SIGUSR1);
  const ProgramResult result = job->wait(20);
  EXPECT_EQ(result.exit_code, kStoppedEarly) << result.output;
  EXPECT_THAT(result.output, HasSubstr(": SIGUSR1, sent by process "));
  EXPECT_GT(step_in(result.output), 0);
}

TEST_F(Stop, AfterTheMaximalTime) {
  const ProgramResult result = train(2, options(run_) + Words{"--max-time", "3s"});
  EXPECT_EQ(result.exit_code, kStoppedEarly) << result.output;
  EXPECT_THAT(result.output, HasSubstr(": --max-time 3s; --resume "));
  EXPECT_GT(step_in(result.output), 0);
}

TEST_F(Stop, ResumeAutoBeginsThenContinuesUntilTheRunIsComplete) {
  const auto with_steps = [&](const char* steps) {
    return train(1, options(run_) + Words{"--max-steps", steps});
  };
  EXPECT_THAT(with_steps("2").output, testing::Not(HasSubstr("continuing")));
  EXPECT_THAT(with_steps("4").output, HasSubstr("continuing after step 2"));
  EXPECT_THAT(with_steps("4").output, HasSubstr("nothing left to do"));
  const ProgramResult other = train(1, options(run_) + Words{"--seed", "5", "--max-steps", "6"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.output, HasSubstr("--seed can change only between epochs"));
  const ProgramResult weights = train(1, options(run_) + Words{"--weights", run_});
  EXPECT_EQ(weights.exit_code, 2);
  EXPECT_THAT(weights.output,
              ContainsRegex("--resume auto: the run in .* began without --weights"));
}

TEST_F(Stop, StopsFoldsToo) {
  const Words folds = {"--model", "mlp", "--kfold", "3", "--epochs", "8", "--out", run_};
  const ProgramResult stopped = train(2, folds + Words{"--max-time", "0.001s"});
  EXPECT_EQ(stopped.exit_code, kStoppedEarly) << stopped.output;
  EXPECT_FALSE(fs::exists(run_ / "kfold.csv"));
  const ProgramResult resumed = train(2, {"--resume", run_, "--max-time", "0"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_TRUE(fs::exists(run_ / "kfold.csv"));
}

}  // namespace
}  // namespace d2l::test
