#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <random>

#include "framework/checkpoint/store.h"
#include "launcher/options/cross_validation.h"
#include "tests/launcher/runs.h"
#include "tests/support/happens.h"
#include "tests/support/settings.h"
#include "tests/support/support.h"

// --reproducible: the same bits on any number of ranks and threads, whatever happens to the run.

namespace d2l::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Words command(int ranks, int threads, const Words& options) {
  return on_ranks(ranks, Words{"d2l-train", "--threads", std::to_string(threads)} + options);
}

void run(int ranks, int threads, const Words& options) {
  const ProgramResult result = run_program(command(ranks, threads, options), 1000);
  ASSERT_EQ(result.exit_code, 0) << result.output;
}

std::string hash_of(const fs::path& run) {
  const ProgramResult result = run_program({"d2l-ckpt", "hash", run.string()});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(result.output.size(), 17u) << result.output;
  return result.output;
}

struct Network {
  std::string name;
  Words options;
};

class Reproducible : public testing::TestWithParam<Network> {};

// Batches that the slices do not divide, evaluations, and a resume in the middle of an epoch.
TEST_P(Reproducible, OnAnyNumberOfRanksAndThreads) {
  TemporaryFolder folder;
  const Words options =
      Words{"--data", "synthetic", "--reproducible", "4", "--eval-every", "3"} + GetParam().options;
  const fs::path whole = folder.path() / "whole", two = folder.path() / "two",
                 cut = folder.path() / "cut";
  run(0, 1, options + Words{"--max-steps", "5", "--out", whole});
  run(2, 2, options + Words{"--max-steps", "5", "--out", two});
  EXPECT_EQ(hash_of(two), hash_of(whole));
  run(4, 1, options + Words{"--max-steps", "2", "--out", cut});
  EXPECT_NE(hash_of(cut), hash_of(whole));
  run(0, 2, {"--resume", cut, "--max-steps", "5"});
  EXPECT_EQ(hash_of(cut), hash_of(whole));
}

// 1365: the fourth batch of an epoch has only 1 sample, so most slices are empty. Dropout needs
// the samples' places in the batch, EMA the statistics. A fold has few test samples.
INSTANTIATE_TEST_SUITE_P(
    Networks, Reproducible,
    testing::Values(Network{"lenet",
                            {"--recipe", "lenet", "--batch-size", "1365", "--clip-norm", "0.5",
                             "--optimizer", "lars", "--lr", "5", "--momentum", "0.9"}},
                    Network{"batch_norm",
                            {"--model", "bn-lenet", "--batch-size", "1023", "--ema", "0.9",
                             "--augment", "pad-crop 2, mixup 0.2"}},
                    Network{"dropout", {"--model", "dropout-mlp", "--batch-size", "1365"}},
                    Network{"attention",
                            {"--model", "vit-tiny", "--batch-size", "30", "--optimizer", "adamw",
                             "--lr", "0.001", "--shard-optimizer", "on", "--precision", "bf16",
                             "--kfold", "64", "--fold", "1"}}),
    [](const auto& tested) { return tested.param.name; });

// kill -9 of all ranks at random moments; the jobs have different numbers of ranks and threads.
TEST(ReproducibleRun, SurvivesKillsOnMixedNumbersOfRanks) {
  TemporaryFolder folder;
  const fs::path whole = folder.path() / "whole", killed = folder.path() / "killed";
  const int kills = setting("D2L_TEST_KILLS", 2);
  const int steps = 60 * (kills + 1);
  const Words options = {"--data",         "synthetic", "--recipe",     "bn-lenet",
                         "--batch-size",   "100",       "--epochs",     "100000",
                         "--lr",           "0.1",       "--save-every", "2",
                         "--reproducible", "4",         "--max-steps",  std::to_string(steps)};
  const auto newest = [&]() -> int64_t {
    const std::vector<int64_t> saved = CheckpointStore::steps(killed / "checkpoints");
    return saved.empty() ? 0 : saved.back();
  };
  run(0, 1, options + Words{"--out", whole});
  std::mt19937 random(1);
  for (int i = 0; i < kills; ++i) {
    const bool resume = newest() > 0;
    const int64_t before = newest();
    const std::array<int, 3> ranks = {4, 2, 1};
    const Words words = resume ? Words{"--resume", killed} : options + Words{"--out", killed};
    Process job(command(ranks[random() % 3], 1 + static_cast<int>(random() % 2), words));
    ASSERT_TRUE(happens([&] { return newest() > before; }, 60)) << job.output();
    usleep(std::uniform_int_distribution<useconds_t>(0, 300'000)(random));
    for (const pid_t rank : processes_of("d2l-train", killed.string())) kill(rank, SIGKILL);
    job.wait(5);
  }
  EXPECT_LT(newest(), steps);
  run(0, 1, {"--resume", killed});
  EXPECT_EQ(hash_of(killed), hash_of(whole));
}

struct Wrong {
  Words options;
  int ranks;
  std::string message;
};

TEST(ReproducibleRun, RefusesWhatItCannotKeep) {
  TemporaryFolder folder;
  for (const Wrong& wrong : std::vector<Wrong>{
           {{"--reproducible", "4"}, 3, "divides 4, found 3"},
           {{"--reproducible", "3"}, 0, "expects a power of two, found 3"},
           {{"--reproducible", "4", "--sync-bn", "on"}, 0, "expects --sync-bn off, found on"},
           {{"--reproducible", "4", "--accumulate", "2"}, 0, "expects --accumulate 1, found 2"},
           {{"--reproducible", "8", "--batch-size", "7"}, 0, "--batch-size of at least 8, found 7"},
           {{"--reproducible", "4", "--shard-optimizer", "on", "--clip-norm", "1"},
            0,
            "expects --shard-optimizer off with lars, lamb and --clip-norm, found on"},
           {{"--reproducible", "4", "--device", "cuda"}, 0, "expects --device cpu, found cuda"}}) {
    const ProgramResult result = train(
        wrong.ranks, Words{"--recipe", "bn-lenet", "--out", folder.path() / "run"} + wrong.options);
    EXPECT_EQ(result.exit_code, 2) << wrong.message;
    EXPECT_THAT(result.output, HasSubstr(wrong.message));
    EXPECT_FALSE(fs::exists(folder.path() / "run"));
  }
}

// With --kfold, groups of ranks may differ in size: the number of each has to divide the slices.
TEST(ReproducibleRun, ConcernsTheLargestAndTheSmallestGroup) {
  const launcher::CrossValidationConfig folds{.folds = 2};
  EXPECT_EQ(launcher::largest_group(folds, 5), 3);
  EXPECT_EQ(launcher::smallest_group(folds, 5), 2);
  EXPECT_EQ(launcher::smallest_group({}, 5), 5);
}

}  // namespace
}  // namespace d2l::test
