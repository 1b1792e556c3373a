#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <iostream>
#include <random>
#include <regex>

#include "framework/base/timer.h"
#include "tests/launcher/runs.h"
#include "tests/support/settings.h"
#include "tests/support/support.h"

// Ranks that stand still for shorter than --peer-timeout, as on busy or swapping hosts.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;

// 8 ranks on any number of cores; D2L_TEST_SECONDS: how long.
TEST(Pauses, BelowThePatienceChangeNothing) {
  TemporaryFolder folder;
  const fs::path paused = folder.path() / "paused", whole = folder.path() / "whole";
  const Words options = {"--recipe",       "lenet", "--batch-size", "64", "--epochs", "100000",
                         "--reproducible", "8",     "--lr",         "0.1"};
  Process job(train_command(8, options + Words{"--out", paused}));
  ASSERT_TRUE(job.wait_for("epoch 1/", 60)) << job.output();
  const std::vector<pid_t> ranks = processes_of("d2l-train", paused.string());
  ASSERT_EQ(ranks.size(), 8u);
  std::mt19937 random(1);
  const auto at_most = [&](double seconds) {
    return std::uniform_real_distribution<double>(0, seconds)(random);
  };
  int pauses = 0;
  for (const Timer timer; timer.seconds() < setting("D2L_TEST_SECONDS", 4); ++pauses) {
    const pid_t rank = ranks[random() % 8];
    kill(rank, SIGSTOP);
    job.wait_for("no such text", at_most(2.5));  // takes its output
    kill(rank, SIGCONT);
    job.wait_for("no such text", at_most(0.5));
  }
  job.send(SIGUSR1);  // which mpirun passes on
  const ProgramResult result = job.wait(60);
  ASSERT_EQ(result.exit_code, 75) << result.output;
  std::smatch stopped;
  ASSERT_TRUE(std::regex_search(result.output, stopped, std::regex("after step ([0-9,]+)")))
      << result.output;
  std::string steps = stopped[1];
  std::erase(steps, ',');
  std::cout << pauses << " pauses, " << steps << " steps\n";
  ASSERT_EQ(
      run_program(train_command(0, options + Words{"--max-steps", steps, "--out", whole}), 1000)
          .exit_code,
      0);
  EXPECT_EQ(run_program({"d2l-ckpt", "hash", paused.string()}).output,
            run_program({"d2l-ckpt", "hash", whole.string()}).output);
}

}  // namespace
}  // namespace d2l::test
