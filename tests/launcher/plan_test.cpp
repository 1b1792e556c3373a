#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "framework/base/text.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// --plan, and real runs of the same commands.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::ContainsRegex;
using testing::HasSubstr;

// The text in parentheses of the first match.
std::string found(const std::string& text, const std::string& pattern) {
  std::smatch match;
  if (std::regex_search(text, match, std::regex(pattern))) return match[1];
  ADD_FAILURE() << pattern << " does not occur in\n" << text;
  return "0";
}

// "12.5 MiB" after the words, in bytes.
double bytes_after(const std::string& text, const std::string& words) {
  const std::string size = found(text, words + " +([0-9.]+ [KMG]iB)");
  const double unit = size.ends_with("KiB") ? 1 << 10 : size.ends_with("MiB") ? 1 << 20 : 1 << 30;
  return std::stod(size) * unit;
}

// Compares the plan of a command with the run. `steps`: of the run.
void expect_true(int ranks, const Words& options, int64_t steps) {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  const Words command = options + Words{"--out", run, "--max-steps", std::to_string(steps)};
  const ProgramResult plan = train(ranks, command + Words{"--plan"});
  ASSERT_EQ(plan.exit_code, 0) << plan.output;
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_THAT(plan.output, HasSubstr(concat(with_thousands(steps), " in all")));
  const ProgramResult real = train(ranks, command);
  ASSERT_EQ(real.exit_code, 0) << real.output;

  std::string bytes = found(plan.output, "a checkpoint: ([0-9,]+) bytes");
  std::erase(bytes, ',');
  EXPECT_EQ(bytes,
            std::to_string(fs::file_size(CheckpointStore::path_of(run / "checkpoints", steps))));
  const double pool = bytes_after(plan.output, "all of these"),
               of_run = bytes_after(real.output, "memory of a rank: at most");
  EXPECT_NEAR(pool, of_run, 0.05 * of_run) << plan.output << real.output;
  const double process = bytes_after(plan.output, "the process, with these"),
               of_real = bytes_after(real.output, "of the pool,");
  EXPECT_NEAR(process, of_real, 0.2 * of_real) << plan.output << real.output;
}

TEST(Plan, OfLeNetOnTwoRanksComesTrue) {
  expect_true(2, {"--recipe", "lenet", "--momentum", "0.9"}, 60);
}

TEST(Plan, OfAResNetComesTrue) {
  expect_true(0,
              {"--model", "resnet20", "--optimizer", "adamw", "--ema", "0.99", "--batch-size", "64",
               "--freeze", "conv1*"},
              24);
}

// A quarter of the optimizer's state on each of 4 ranks.
TEST(Plan, OfAShardedOptimizerComesTrue) {
  const Words options = {"--recipe", "lenet", "--optimizer", "adam", "--lr", "0.001"};
  const auto state_with = [&](const char* shards) {
    const ProgramResult plan = train(4, options + Words{"--shard-optimizer", shards, "--plan",
                                                        "--plan-network", "50us,1Gbit/s"});
    EXPECT_EQ(plan.exit_code, 0) << plan.output;
    return bytes_after(plan.output, "  optimizer");
  };
  EXPECT_NEAR(state_with("on") / state_with("off"), 0.25, 0.01);
  expect_true(2, options + Words{"--shard-optimizer", "on"}, 40);
}

TEST(Plan, PredictsOtherNumbersOfRanks) {
  const TemporaryFolder folder;
  const ProgramResult plan =
      train(0, {"--recipe", "lenet", "--out", folder.path() / "run", "--plan", "--plan-network",
                "2us,25GB/s,nccl", "--plan-ranks", "1,8,4096", "--plan-compute", "100ms"});
  ASSERT_EQ(plan.exit_code, 0) << plan.output;
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_THAT(plan.output, ContainsRegex("\na step +100.000 ms\n"));
  EXPECT_THAT(plan.output, ContainsRegex("\n1 +256 +100.000 +0.000 +- +2,560 +100.0 %"));
  EXPECT_THAT(plan.output, ContainsRegex("\n4,096 +1,048,576 +100.[0-9]+ "));
}

TEST(Plan, RefusesWhatItCannotUnderstand) {
  const std::pair<Words, const char*> cases[] = {
      {{"--plan", "--plan-network", "5"}, "--plan-network expects a latency"},
      {{"--plan", "--plan-network", "5,1Gbit/s"}, "found the latency '5'"},
      {{"--plan", "--plan-network", "5us,1Gbit"}, "found the bandwidth '1Gbit'"},
      {{"--plan", "--plan-network", "5us,0GB/s"}, "found the bandwidth '0GB/s'"},
      {{"--plan", "--plan-network", "5us,1GB/s,tcp"},
       "such as 50us,1Gbit/s or 2us,25GB/s,nccl, "
       "found 'tcp'"},
      {{"--plan", "--plan-ranks", "8,4"}, "--plan-ranks expects ascending numbers from 1"},
      {{"--plan", "--plan-ranks", "8"}, "--plan-ranks 8 expects --plan-network, or several ranks"},
      {{"--plan", "--plan-compute", "0ms"}, "--plan-compute expects a time above 0"},
      {{"--plan-ranks", "8"}, "--plan-ranks has no effect without --plan"},
      {{"--plan", "--check"}, "--plan expects no other measurement, found --check"},
      {{"--plan", "--kfold", "3"}, "--plan expects a single run, found --kfold 3"},
      {{"--plan", "--batch-size", "0"}, "--batch-size expects a number of at least 1"},
  };
  for (const auto& [options, message] : cases) {
    const ProgramResult result = train(0, Words{"--recipe", "lenet"} + options);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, HasSubstr(message));
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
  }
}

}  // namespace
}  // namespace d2l::test
