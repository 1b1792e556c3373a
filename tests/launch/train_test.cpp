#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <random>
#include <regex>

#include "framework/base/files.h"
#include "framework/base/timer.h"
#include "tests/launch/launches.h"
#include "tests/support/happens.h"
#include "tests/support/settings.h"
#include "tests/support/support.h"

// d2l-launch with d2l-train.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

Words train_words(const Words& options) { return Words{"d2l-train", "--threads", "1"} + options; }

// The numbers of steps in the log after these words: "after step 1,288" -> 1288.
std::vector<int64_t> steps_after(const std::string& words, const std::string& log) {
  std::vector<int64_t> found;
  const std::regex pattern(words + " ([0-9,]+)");
  for (std::sregex_iterator at(log.begin(), log.end(), pattern), end; at != end; ++at) {
    std::string number = (*at)[1];
    std::erase(number, ',');
    found.push_back(std::stoll(number));
  }
  return found;
}

struct Network {
  std::string name;
  Words options;
  int steps_per_kill;  // more than a job makes before it loses a rank
};

class KilledRanks : public testing::TestWithParam<Network> {};

// At random moments. The others save the last finished step, with which the next job begins; in the
// end, the state is that of a run without kills.
TEST_P(KilledRanks, CostNoFinishedStep) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run", whole = folder.path() / "whole";
  const int kills = setting("D2L_TEST_KILLS", 1);
  const int steps = GetParam().steps_per_kill * (kills + 2);
  const Words recipe =
      train_words({"--reproducible", "4", "--save-every", "1000", "--epochs", "100000",
                   "--log-every", "1", "--max-steps", std::to_string(steps)}) +
      GetParam().options;
  Words command = launch_command({"--ranks", "4", "--cores-per-rank", "none"},
                                 recipe + Words{"--out", run, "--resume", "auto"});
  // mpirun's usual patience with the other ranks: they need it to save.
  std::erase_if(command, [](const std::string& word) { return word.starts_with("OMPI_MCA_odls"); });
  Process job(command);
  std::mt19937 random(1);
  const auto log = [&] {
    return fs::exists(run / "log.txt") ? read_text_file(run / "log.txt") : std::string();
  };
  // Since the last start. Takes what the job has printed, which would otherwise fill its pipe.
  const auto makes_steps = [&] {
    job.wait_for("no such text", 0);
    const std::string text = log(), start = "continuing after step";
    const size_t from = text.rfind(start);
    return text.find(": loss", from == std::string::npos ? 0 : from) != std::string::npos;
  };
  std::vector<double> seconds;  // from a kill to the first new step
  for (int kill_number = 0; kill_number < kills; ++kill_number) {
    ASSERT_TRUE(happens(makes_steps, 30)) << job.output();
    usleep(std::uniform_int_distribution<useconds_t>(0, 300'000)(random));
    const std::vector<pid_t> ranks = processes_of("d2l-train", run.string());
    ASSERT_EQ(ranks.size(), 4u) << job.output();
    const size_t before = log().size();
    const Timer timer;
    kill(ranks[random() % 4], SIGKILL);
    const auto is_started_again = [&] {
      job.wait_for("no such text", 0);
      return log().find("continuing after step", before) != std::string::npos;
    };
    ASSERT_TRUE(happens(is_started_again, 30)) << log();
    ASSERT_TRUE(happens(makes_steps, 30)) << log();
    seconds.push_back(timer.seconds());
  }
  const ProgramResult result = job.wait(600);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output,
              ContainsRegex("rank [0-3] on [^ ]+ ended by SIGKILL .137.; [0-9,]+ steps? saved; "
                            "starts again on 4 ranks .restart 1 of 3."));
  EXPECT_THAT(result.output, Not(HasSubstr("-----"))) << "mpirun's own message is left out";
  std::ranges::sort(seconds);
  EXPECT_LE(seconds[seconds.size() * 19 / 20], 3);
  std::cout << kills << " kills; from a kill to the first new step: median "
            << seconds[seconds.size() / 2] << " s, at most " << seconds.back() << " s\n";
  const auto left = steps_after("has died, after step", log()),
             used = steps_after("continuing after step", log());
  EXPECT_EQ(left, used) << "finished steps were lost:\n" << log() << result.output;
  ASSERT_EQ(run_program(recipe + Words{"--out", whole}, 600).exit_code, 0);
  EXPECT_EQ(run_program({"d2l-ckpt", "hash", run.string()}).output,
            run_program({"d2l-ckpt", "hash", whole.string()}).output);
}

// The state of ResNet-18 has 90 MB.
INSTANTIATE_TEST_SUITE_P(
    Networks, KilledRanks,
    testing::Values(Network{"lenet", {"--recipe", "lenet", "--data", "synthetic"}, 60},
                    Network{"resnet18",
                            {"--model", "resnet18", "--data", "synthetic-32x32x3", "--batch-size",
                             "8", "--lr", "0.00001", "--momentum", "0.9"},
                            5}),
    [](const auto& tested) { return tested.param.name; });

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
