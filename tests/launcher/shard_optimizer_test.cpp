#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/launcher/runs.h"
#include "tests/support/support.h"

// --shard-optimizer: the same training, with the optimizer's state divided among the ranks.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;

class ShardOptimizer : public testing::Test {
 protected:
  // Trains LeNet and returns the run's folder.
  fs::path run(const std::string& name, int ranks, const Words& options) {
    const fs::path out = folder_.path() / name;
    const ProgramResult result = train(ranks, Words{"--recipe", "lenet", "--out", out} + options);
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return out;
  }
  void resume(const fs::path& run, int ranks, const Words& options) {
    const ProgramResult result = train(ranks, Words{"--resume", run} + options);
    EXPECT_EQ(result.exit_code, 0) << result.output;
  }
  std::string hash_of(const fs::path& run) {
    return run_program({"d2l-ckpt", "hash", run.string()}).output;
  }

  TemporaryFolder folder_;
};

// Frozen parameters do not move the ranks' parts.
TEST_F(ShardOptimizer, GivesTheSameBits) {
  for (const Words& options :
       std::vector<Words>{{"--optimizer", "sgd", "--momentum", "0.9", "--weight-decay", "0.01"},
                          {"--optimizer", "adamw", "--lr", "0.001", "--clip-value", "0.1", "--ema",
                           "0.9", "--freeze", "conv*", "--unfreeze-after", "4"}}) {
    const Words steps = options + Words{"--max-steps", "8", "--log-every", "1"};
    for (const int ranks : {3, 4}) {
      const std::string name = options[1] + std::to_string(ranks);
      const fs::path whole = run(name, ranks, steps),
                     sharded = run(name + "s", ranks, steps + Words{"--shard-optimizer", "on"});
      EXPECT_EQ(losses(sharded), losses(whole)) << name;
      EXPECT_EQ(hash_of(sharded), hash_of(whole)) << name;
    }
  }
}

// The norms are sums over ranks, in another order.
TEST_F(ShardOptimizer, FindsTheNormsOfAllParts) {
  for (const Words& options : std::vector<Words>{
           {"--optimizer", "lars", "--lr", "1", "--momentum", "0.9", "--weight-decay", "0.001"},
           {"--optimizer", "lamb", "--lr", "0.01", "--clip-norm", "0.05"}}) {
    const Words steps = options + Words{"--max-steps", "8", "--log-every", "1"};
    const auto whole = losses(run(options[1], 4, steps)),
               sharded = losses(run(options[1] + "s", 4, steps + Words{"--shard-optimizer", "on"}));
    ASSERT_EQ(sharded.size(), 8u);
    for (size_t i = 0; i < whole.size(); ++i)
      EXPECT_NEAR(sharded[i], whole[i], 1e-5) << options[1] << ", step " << i + 1;
  }
}

// Checkpoints hold the whole state: any number of ranks, with or without shards, can go on.
TEST_F(ShardOptimizer, CheckpointsDoNotDependOnTheRanks) {
  const Words options = {"--optimizer", "adam", "--lr", "0.001", "--reproducible", "4"};
  const fs::path whole = run("whole", 1, options + Words{"--max-steps", "9"});
  const fs::path moved =
      run("moved", 4, options + Words{"--max-steps", "3", "--shard-optimizer", "on"});
  resume(moved, 2, {"--max-steps", "5"});
  resume(moved, 1, {"--max-steps", "7"});
  resume(moved, 4, {"--max-steps", "9", "--shard-optimizer", "off"});
  EXPECT_EQ(hash_of(moved), hash_of(whole));
  const fs::path verified = run(
      "verified", 4,
      {"--optimizer", "adam", "--max-steps", "3", "--save-every", "1", "--shard-optimizer", "on"});
  resume(verified, 4, {"--max-steps", "4", "--verify-resume", "2"});
  resume(verified, 3, {"--max-steps", "5"});
}

}  // namespace
}  // namespace d2l::test
