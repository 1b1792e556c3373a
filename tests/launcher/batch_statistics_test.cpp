#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "framework/checkpoint/file.h"
#include "framework/checkpoint/store.h"
#include "tests/launcher/runs.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class BatchStatistics : public testing::Test {
 protected:
  // Two steps of a network whose last batch norms get one value per channel and sample.
  ProgramResult two_steps(int ranks, const Words& options) {
    Words words = {"--model", "bn-lenet", "--max-steps", "2", "--out", run()};
    words.insert(words.end(), options.begin(), options.end());
    return train(ranks, words);
  }
  std::string run() const { return folder_.path() / "run"; }
  Snapshot last_checkpoint(int64_t step) const {
    return read_checkpoint(CheckpointStore::path_of(run() + "/checkpoints", step));
  }

 private:
  TemporaryFolder folder_;
};

TEST_F(BatchStatistics, OfOneValueAreRefused) {
  for (const auto& [ranks, options] :
       std::vector<std::pair<int, Words>>{{0, {"--batch-size", "1"}},
                                          {2, {"--batch-size", "3"}},
                                          {0, {"--batch-size", "7", "--accumulate", "4"}}}) {
    const ProgramResult result = two_steps(ranks, options);
    EXPECT_EQ(result.exit_code, 2) << result.output;
    EXPECT_THAT(result.output, HasSubstr("the batch norm bn3 expects at least 2 values per channel "
                                         "for its statistics, found 1"));
    EXPECT_FALSE(std::filesystem::exists(run()));
  }
}

TEST_F(BatchStatistics, OfEnoughValuesAreNot) {
  const ProgramResult synchronised = two_steps(2, {"--batch-size", "2", "--sync-bn", "on"});
  EXPECT_EQ(synchronised.exit_code, 0) << synchronised.output;
  const std::string other = run() + "2";
  // 96 x 96 images give 3 x 3 values per channel.
  const ProgramResult resnet =
      train(0, {"--model", "resnet18", "--width", "8", "--resize", "96", "--batch-size", "1",
                "--max-steps", "1", "--out", other, "--data", "synthetic"});
  EXPECT_EQ(resnet.exit_code, 0) << resnet.output;
}

// 4,096 samples: the second batch of 4,095 has one sample.
TEST_F(BatchStatistics, OfALastBatchAreLeftOutWithAWarning) {
  const ProgramResult result = two_steps(0, {"--batch-size", "4095", "--save-every", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("warning: the last batch of each epoch has 1 sample: the batch norm bn3"));
  const Snapshot before = last_checkpoint(1), after = last_checkpoint(2);
  for (const char* name : {"buffers/bn3.running_mean", "buffers/bn3.running_var"})
    EXPECT_EQ(before.arrays.at(name).bytes, after.arrays.at(name).bytes) << name;
  EXPECT_NE(before.arrays.at("buffers/bn1.running_var").bytes,
            after.arrays.at("buffers/bn1.running_var").bytes);
}

TEST_F(BatchStatistics, LastBatchesCanBeDropped) {
  const ProgramResult result =
      two_steps(0, {"--batch-size", "4095", "--last-batch", "drop", "--log-every", "1"});
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, Not(HasSubstr("warning: the last batch")));
  EXPECT_EQ(last_checkpoint(2).integers.at("progress/epoch"), 2);
  EXPECT_THAT(two_steps(0, {"--batch-size", "5000", "--last-batch", "drop"}).output,
              HasSubstr("--last-batch drop expects a --batch-size of at most the 4096 training"));
}

// The shares of three ranks do not add up to 1 in f32.
TEST_F(BatchStatistics, OfFrozenLayersKeepTheirBitsOnThreeRanks) {
  ASSERT_EQ(two_steps(3, {"--batch-size", "100"}).exit_code, 0);
  const ProgramResult frozen = train(3, {"--resume", run(), "--freeze", "bn*", "--max-steps", "8"});
  ASSERT_EQ(frozen.exit_code, 0) << frozen.output;
  const Snapshot before = last_checkpoint(2), after = last_checkpoint(8);
  for (const char* name : {"buffers/bn1.running_mean", "buffers/bn2.running_var",
                           "buffers/bn3.running_mean", "buffers/bn3.running_var"})
    EXPECT_EQ(before.arrays.at(name).bytes, after.arrays.at(name).bytes) << name;
  EXPECT_NE(before.arrays.at("parameters/conv1.weight").bytes,
            after.arrays.at("parameters/conv1.weight").bytes);
}

}  // namespace
}  // namespace d2l::test
