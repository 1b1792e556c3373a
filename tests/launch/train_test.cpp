#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "framework/base/timer.h"
#include "tests/launch/launches.h"
#include "tests/support/support.h"

// d2l-launch with d2l-train.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

Words train_words(const Words& options) { return Words{"d2l-train", "--threads", "1"} + options; }

TEST(LaunchedTraining, ARankThatIsKilledCostsNoMoreThanARestart) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  const Words options = {"--ranks", "2", "--cores-per-rank", "none"};
  const Words recipe = {"--recipe",     "lenet", "--data", "synthetic",
                        "--save-every", "20",    "--out",  run.string()};
  ASSERT_EQ(
      run_program(launch_command(options, train_words(recipe + Words{"--epochs", "1"}))).exit_code,
      0);
  Process job(launch_command(
      options, train_words({"--resume", run.string(), "--epochs", "12", "--threads", "1"})));
  ASSERT_TRUE(job.wait_for("epoch 3/", 60)) << job.output();
  const std::vector<pid_t> ranks = processes_of("d2l-train", run.string());
  ASSERT_GE(ranks.size(), 2u);
  const Timer timer;
  kill(ranks.back(), SIGKILL);
  ASSERT_TRUE(job.wait_for("starts again on 2 ranks (restart 1 of 3)", 20)) << job.output();
  const std::string before = job.output();
  const double until_start = timer.seconds();
  const ProgramResult result = job.wait(60);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, ContainsRegex("rank 1 on [^ ]+ ended by SIGKILL .137.; [0-9,]+ steps "
                                           "saved; starts again"));
  EXPECT_THAT(result.output.substr(before.size()), HasSubstr("epoch 12/12"));
  EXPECT_THAT(result.output, Not(HasSubstr("-----"))) << "mpirun's own message is left out";
  EXPECT_LT(until_start, 3);
}

TEST(LaunchedTraining, ErrorsAreRepeatedAndNotRetriedForever) {
  const TemporaryFolder folder;
  const std::string run = (folder.path() / "run").string();
  const ProgramResult diverged = run_program(launch_command(
      {"--ranks", "2"},
      train_words({"--recipe", "mlp", "--data", "synthetic", "--lr", "1e15", "--out", run})));
  EXPECT_EQ(diverged.exit_code, 1);
  EXPECT_THAT(
      diverged.output,
      ContainsRegex("d2l-launch: first error: d2l-train: error: step [0-9]+: "
                    "the loss is -?nan.*\n"
                    "d2l-launch: error: .* ended with exit code 1; not started again: add --resume "
                    "auto to the program's options"));
}

TEST(LaunchedTraining, WrongOptionsAreNotRetried) {
  const ProgramResult result = run_program(
      launch_command({"--ranks", "2"}, train_words({"--resume", "nowhere", "--lr", "x"})));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.output, HasSubstr("d2l-train: error: "));
  EXPECT_THAT(result.output, Not(HasSubstr("d2l-launch")));
}

}  // namespace
}  // namespace d2l::test
