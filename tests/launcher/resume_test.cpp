#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

TEST(Resume, BitForBitInTheMiddleOfAnEpoch) {
  TemporaryFolder folder;
  std::string whole = (folder.path() / "whole").string(), cut = (folder.path() / "cut").string();
  const Words options = {"--recipe", "bn-lenet", "--epochs", "2", "--save-every", "5"};
  ASSERT_EQ(train(2, options + Words{"--out", whole}).exit_code, 0);
  ASSERT_EQ(train(2, options + Words{"--out", cut, "--max-steps", "13"}).exit_code, 0);
  ProgramResult resumed = train(2, {"--resume", cut, "--max-steps", "0"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("continuing after step 13"));
  ProgramResult diff = run_program({"d2l-ckpt", "diff", whole, cut});
  EXPECT_EQ(diff.exit_code, 0) << diff.output;
  EXPECT_THAT(diff.output, HasSubstr("identical"));
}

// All options with state or a dependence on the step.
TEST(Resume, BitForBitWithEveryOptimizerAndSchedule) {
  const std::vector<Words> kinds = {
      {"--optimizer", "sgd", "--momentum", "0.9", "--nesterov", "on", "--schedule", "step",
       "--step-every", "4steps"},
      {"--optimizer", "adam", "--lr", "0.001", "--schedule", "cosine", "--warmup", "0.5"},
      {"--optimizer", "adamw", "--lr", "0.001", "--weight-decay", "0.1", "--decay", "weights"},
      {"--optimizer", "lars", "--lr", "10", "--momentum", "0.9", "--schedule", "polynomial"},
      {"--optimizer", "lamb", "--lr", "0.01", "--schedule", "multistep", "--milestones",
       "12steps,1.5"},
      {"--optimizer", "adamw", "--lr", "0.001", "--lr-mult", "*.bias:2,hidden.*:0.5",
       "--head-lr-mult", "3", "--lr-decay-by-depth", "0.5"},
      {"--ema", "0.9", "--label-smoothing", "0.1", "--clip-norm", "0.5", "--clip-value", "0.1",
       "--accumulate", "3", "--freeze", "hidden.bias"}};
  TemporaryFolder folder;
  for (size_t i = 0; i < kinds.size(); ++i) {
    const std::string whole = folder.path() / (std::to_string(i) + "-whole"),
                      cut = folder.path() / (std::to_string(i) + "-cut");
    const Words options = Words{"--model", "mlp", "--epochs", "2", "--save-every", "5"} + kinds[i];
    ProgramResult first = train(0, options + Words{"--out", whole});
    ASSERT_EQ(first.exit_code, 0) << first.output;
    ASSERT_EQ(train(0, options + Words{"--out", cut, "--max-steps", "13"}).exit_code, 0);
    ASSERT_EQ(train(0, {"--resume", cut, "--max-steps", "0"}).exit_code, 0);
    EXPECT_EQ(run_program({"d2l-ckpt", "diff", whole, cut}).output, "identical\n") << kinds[i][1];
  }
}

TEST(Resume, OnOtherNumbersOfRanksStaysWithinRounding) {
  TemporaryFolder folder;
  const std::filesystem::path whole = folder.path() / "whole", cut = folder.path() / "cut";
  const Words options = {"--recipe", "lenet", "--epochs", "2", "--momentum", "0.5"};
  ASSERT_EQ(train(2, options + Words{"--out", whole}).exit_code, 0);
  ASSERT_EQ(train(2, options + Words{"--out", cut, "--max-steps", "13"}).exit_code, 0);
  for (int ranks : {0, 3, 4}) {
    const std::filesystem::path run = folder.path() / std::to_string(ranks);
    std::filesystem::copy(cut, run, std::filesystem::copy_options::recursive);
    ProgramResult resumed = train(ranks, {"--resume", run, "--max-steps", "0"});
    ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
    ProgramResult diff = run_program({"d2l-ckpt", "diff", "--rtol", "1e-4", whole, run});
    EXPECT_EQ(diff.exit_code, 0) << ranks << " ranks:\n" << diff.output;
  }
}

TEST(Resume, ADamagedCheckpointIsNamedAndTheOneBeforeItUsed) {
  TemporaryFolder folder;
  const std::filesystem::path whole = folder.path() / "whole", run = folder.path() / "run";
  const Words options = {"--recipe", "mlp", "--epochs", "1", "--save-every", "5"};
  ASSERT_EQ(train(2, options + Words{"--out", whole}).exit_code, 0);
  ASSERT_EQ(train(2, options + Words{"--out", run, "--max-steps", "12"}).exit_code, 0);
  const std::filesystem::path newest = CheckpointStore::path_of(run / "checkpoints", 12);
  std::fstream stream(newest, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(100000);
  const char byte = static_cast<char>(stream.get() ^ 4);
  stream.seekp(100000);
  stream.put(byte);
  stream.close();

  ProgramResult resumed = train(2, {"--resume", run, "--max-steps", "0"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.output;
  EXPECT_THAT(resumed.output, HasSubstr("damaged checkpoint " + newest.string()));
  EXPECT_THAT(resumed.output, HasSubstr("continuing after step 10"));
  EXPECT_EQ(run_program({"d2l-ckpt", "diff", whole, run}).output, "identical\n");
}

TEST(Resume, WhatMayChangeAndWhatNot) {
  TemporaryFolder folder;
  const std::filesystem::path run = folder.path() / "run";
  ASSERT_EQ(
      train(0, {"--recipe", "mlp", "--epochs", "1", "--max-steps", "5", "--out", run}).exit_code,
      0);
  for (const Words& wrong : {Words{"--batch-size", "2048"}, Words{"--seed", "1"},
                             Words{"--resize", "32"}, Words{"--optimizer", "adam"},
                             Words{"--momentum", "0.5"}, Words{"--out", folder.path() / "other"}}) {
    ProgramResult result = train(0, Words{"--resume", run} + wrong);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, HasSubstr(wrong[0]));
  }
  // The run keeps the options of its last resume.
  ASSERT_EQ(train(0, {"--resume", run, "--epochs", "2", "--lr", "0.05"}).exit_code, 0);
  ProgramResult again = train(0, {"--resume", run, "--max-steps", "0"});
  EXPECT_EQ(again.exit_code, 0) << again.output;
  EXPECT_THAT(again.output, HasSubstr("epochs = 2"));
  EXPECT_THAT(again.output, HasSubstr("lr = 0.05"));
  EXPECT_THAT(again.output, HasSubstr("step-00000032.h5"));
}

// Also on another number of ranks.
TEST(Resume, WithoutFreezeTrainsWhatWasFrozen) {
  TemporaryFolder folder;
  const std::filesystem::path run = folder.path() / "run";
  const auto changed = [&](int64_t from, int64_t to) {
    return run_program({"d2l-ckpt", "diff", CheckpointStore::path_of(run / "checkpoints", from),
                        CheckpointStore::path_of(run / "checkpoints", to)})
        .output;
  };
  const Words options = {"--model",      "bn-lenet", "--optimizer", "adam", "--lr",     "0.001",
                         "--save-every", "1",        "--keep",      "9",    "--epochs", "1"};
  const Words frozen = {"--freeze", "conv1.*,bn1.*", "--max-steps", "2", "--out", run};
  ASSERT_EQ(train(1, options + frozen).exit_code, 0);
  for (const char* name : {"parameters/conv1", "parameters/bn1", "buffers/bn1", "mean/conv1"})
    EXPECT_THAT(changed(1, 2), testing::Not(HasSubstr(name)));
  const ProgramResult resumed = train(2, {"--resume", run, "--freeze", "", "--max-steps", "4"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.output;
  const std::string found = changed(2, 4);
  for (const char* name : {"parameters/conv1.weight", "parameters/bn1.bias",
                           "buffers/bn1.running_mean", "optimizer/square/conv1.weight"})
    EXPECT_THAT(found, HasSubstr(name));
}

// Also if the run is interrupted in the frozen phase, at its end, and after it.
TEST(Resume, KeepsWhenParametersAreUnfrozen) {
  TemporaryFolder folder;
  const Words options = {"--model",  "bn-lenet", "--optimizer",      "adam",
                         "--lr",     "0.001",    "--freeze",         "conv*,bn1.*",
                         "--epochs", "1",        "--unfreeze-after", "4steps"};
  const auto run_in_pieces = [&](const std::string& name, const std::vector<std::string>& ends) {
    const std::filesystem::path run = folder.path() / name;
    std::string output;
    for (const std::string& end : ends) {
      const bool first = &end == &ends.front();
      const ProgramResult result = first
                                       ? train(2, options + Words{"--max-steps", end, "--out", run})
                                       : train(2, {"--resume", run, "--max-steps", end});
      EXPECT_EQ(result.exit_code, 0) << result.output;
      output += result.output;
    }
    return std::pair(CheckpointStore::path_of(run / "checkpoints", 8), output);
  };
  const auto [whole, output] = run_in_pieces("whole", {"8"});
  EXPECT_THAT(output, HasSubstr("are frozen until step 4"));
  EXPECT_THAT(output, HasSubstr("after step 4: trains the "));
  const auto [pieces, ignored] = run_in_pieces("pieces", {"2", "4", "6", "8"});
  const ProgramResult equal = run_program({"d2l-ckpt", "diff", whole, pieces});
  EXPECT_EQ(equal.exit_code, 0) << equal.output;
  EXPECT_THAT(run_program({"d2l-ckpt", "info", whole}).output,
              HasSubstr("missed_steps/conv1.weight"));
}

TEST(Resume, OneJobAtATime) {
  TemporaryFolder folder;
  const std::filesystem::path run = folder.path() / "run";
  Process job(train_command(0, {"--recipe", "mlp", "--epochs", "1000", "--out", run}));
  ASSERT_TRUE(job.wait_for("epoch 1/", 60)) << job.output();
  ProgramResult second = train(0, {"--resume", run});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, HasSubstr(".lock is held by process "));
}

// Epochs with fewer steps since a resume still count as epochs of the schedule.
TEST(Resume, WithAnotherBatchSizeKeepsItsPlaceInTheSchedule) {
  TemporaryFolder folder;
  const std::filesystem::path run = folder.path() / "run";
  const Words options = {"--model",      "mlp", "--lr",     "0.5", "--schedule",  "multistep",
                         "--milestones", "2",   "--epochs", "3",   "--log-every", "1"};
  ASSERT_EQ(train(0, options + Words{"--max-steps", "16", "--out", run}).exit_code, 0);
  ASSERT_EQ(train(0, {"--resume", run, "--max-steps", "0", "--batch-size", "512"}).exit_code, 0);
  const std::vector<double> rates = column(run, 4);
  ASSERT_EQ(rates.size(), 16u + 8 + 8);
  for (size_t i = 0; i < rates.size(); ++i) EXPECT_NEAR(rates[i], i < 24 ? 0.5 : 0.05, 1e-9) << i;
}

}  // namespace
}  // namespace d2l::test
