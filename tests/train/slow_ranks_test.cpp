#include "framework/train/slow_ranks.h"

#include <gmock/gmock.h>

namespace d2l {
namespace {

// Four ranks, of which two share a host. Each step takes 100 ms.
class SlowRanksTest : public testing::Test {
 protected:
  // All ranks do `steps` steps of their own that take 60 ms, but rank 2 needs `seconds`, of which
  // it waits for data for `data`.
  std::optional<SlowRanks::Found> after(int steps, double seconds, double data = 0) {
    for (size_t rank = 0; rank < ranks_.size(); ++rank) {
      RankProgress& progress = ranks_[rank];
      progress.steps += steps;
      progress.whole_seconds += steps * 0.1;
      progress.step_seconds += steps * (rank == 2 ? seconds - data : 0.06);
      progress.data_seconds += rank == 2 ? steps * data : 0;
    }
    return slow_.compare(ranks_);
  }
  // How many of `count` comparisons warn.
  int warnings(int count, double seconds) {
    int found = 0;
    for (int i = 0; i < count; ++i) found += after(20, seconds)->warning.empty() ? 0 : 1;
    return found;
  }

  std::vector<RankProgress> ranks_ = std::vector<RankProgress>(4);
  SlowRanks slow_{{"a", "a", "b", "c"}};
};

TEST_F(SlowRanksTest, NamesTheSlowestRankAndTheMedian) {
  const auto found = after(20, 0.0752, 0.0121);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->note,
            "slowest rank: 2 on b, 75.2 ms per step, 12.1 ms of it waiting for data; median 60.0 "
            "ms");
  EXPECT_EQ(found->warning, "");
}

TEST_F(SlowRanksTest, WarnsOfAClearlySlowerRankAfterThreeComparisonsInARow) {
  EXPECT_EQ(warnings(2, 0.095), 0);
  const auto third = after(20, 0.095, 0.04);
  EXPECT_EQ(third->warning,
            "rank 2 on b is slower than the others: 95.0 ms per step, 40.0 ms of it waiting for "
            "data; median 60.0 ms");
  EXPECT_EQ(warnings(26, 0.095), 0);
  EXPECT_EQ(warnings(1, 0.095), 1);  // the 30th
  EXPECT_EQ(warnings(200, 0.095), 0);
}

TEST_F(SlowRanksTest, SomeComparisonsInBetweenAreNoRow) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(warnings(2, 0.095), 0);
    EXPECT_EQ(warnings(1, 0.065), 0);
  }
}

TEST_F(SlowRanksTest, ALittleSlowerIsNoWarning) { EXPECT_EQ(warnings(40, 0.085), 0); }

// Where communication takes nearly all of the time, the ranks' own times do not matter.
TEST_F(SlowRanksTest, WhatDoesNotDelayAStepIsNoWarning) {
  for (int i = 0; i < 10; ++i) {
    for (RankProgress& progress : ranks_) progress.whole_seconds += 20 * 0.9;
    EXPECT_EQ(warnings(1, 0.095), 0);
  }
}

TEST_F(SlowRanksTest, ComparesOnlyAfterEnoughTraining) {
  EXPECT_FALSE(after(5, 0.06));
  EXPECT_TRUE(after(6, 0.06));  // together 1.1 s
  EXPECT_FALSE(after(0, 0.06));
}

TEST_F(SlowRanksTest, RanksOfOtherTrainingsAreLeftOut) {
  ranks_[2].first_rank = ranks_[3].first_rank = 2;
  EXPECT_THAT(after(20, 0.2)->note, testing::HasSubstr("slowest rank: 1 on a, 60.0 ms"));
}

TEST(SlowRanks, OfTwoTheSlowerOneIsComparedWithTheOther) {
  SlowRanks slow({"a", "b"});
  std::vector<RankProgress> ranks(2);
  for (RankProgress& rank : ranks) rank.steps = 10, rank.whole_seconds = 2;
  ranks[0].step_seconds = 1;
  ranks[1].step_seconds = 1.8;
  EXPECT_EQ(slow.compare(ranks)->note,
            "slowest rank: 1 on b, 180.0 ms per step, 0.0 ms of it waiting for data; median 100.0 "
            "ms");
}

}  // namespace
}  // namespace d2l
