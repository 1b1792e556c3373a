#include "framework/comm/stall_watch.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "framework/base/timer.h"
#include "framework/comm/activity.h"

namespace d2l {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Four ranks that train together; their usual step takes a second, so that a stall begins at 7 s.
class StallWatchTest : public testing::Test {
 protected:
  StallWatchTest() {
    for (int rank = 0; rank < 4; ++rank) watch_.note(rank, waiting(0.1));
  }
  static RankProgress doing(Doing doing, double still) {
    RankProgress rank{.doing = doing, .still = still, .step = 120, .collectives = 1204};
    rank.elements = 61706;
    rank.steps = 119;
    rank.usual_seconds = 1;
    return rank;
  }
  static RankProgress waiting(double still) {
    RankProgress rank = doing(Doing::computing, still);
    rank.waits = 1;
    return rank;
  }
  bool stalls(double now = 100, double timeout = 600) {
    return !watch_.judge(now, timeout).warnings.empty();
  }

  StallWatch watch_{{"node6", "node6", "node7", "node7"}};
};

TEST_F(StallWatchTest, NamesTheRankForWhichAllOthersWait) {
  watch_.note(3, doing(Doing::loading, 6.9));
  EXPECT_FALSE(stalls());
  watch_.note(3, doing(Doing::loading, 7.3));
  EXPECT_THAT(watch_.judge(100, 600).warnings,
              ElementsAre("rank 3 on node7 has been loading data for 7.3 s in step 120; 3 ranks "
                          "wait for it; last collective: 1,204 (all-reduce of 61,706 f32)"));
}

TEST_F(StallWatchTest, WarnsAgainAfterTwiceTheTimeAndTellsThatItGoesOn) {
  std::vector<double> warned;
  for (double still = 1; still < 60; still += 0.25) {
    watch_.note(2, doing(Doing::computing, still));
    if (stalls(100 + still)) warned.push_back(still);
  }
  EXPECT_THAT(warned, ElementsAre(7, 14, 28, 56));
  watch_.note(2, waiting(0.1));
  EXPECT_THAT(watch_.judge(160.5, 600).notices,
              ElementsAre("rank 2 on node7 goes on, after 60.5 s"));
  EXPECT_THAT(watch_.judge(161, 600).notices, IsEmpty());
}

TEST_F(StallWatchTest, ARankThatGetsOnIsNoStall) {
  watch_.note(1, doing(Doing::loading, 50));
  watch_.note(2, doing(Doing::computing, 0.5));  // the others may still have work for long
  EXPECT_FALSE(stalls());
}

TEST_F(StallWatchTest, SlowStepsNeedMoreTime) {
  RankProgress slow = waiting(0.1);
  slow.usual_seconds = 30;
  watch_.note(0, slow);
  watch_.note(1, doing(Doing::computing, 64));
  EXPECT_FALSE(stalls());
  watch_.note(1, doing(Doing::computing, 66));
  EXPECT_TRUE(stalls());
}

TEST_F(StallWatchTest, EvaluatingSavingAndTheFirstStepMayTakeAnyTime) {
  for (const Doing allowed : {Doing::starting, Doing::evaluating, Doing::saving, Doing::ending}) {
    watch_.note(1, doing(allowed, 5000));
    EXPECT_FALSE(stalls());
    EXPECT_FALSE(watch_.judge(100, 600).lost);
  }
  RankProgress first = doing(Doing::loading, 5000);
  first.steps = 0;
  watch_.note(1, first);
  EXPECT_FALSE(stalls());
}

TEST_F(StallWatchTest, SeveralRanksMayStall) {
  watch_.note(2, doing(Doing::loading, 8));
  watch_.note(3, doing(Doing::loading, 9));
  EXPECT_THAT(
      watch_.judge(100, 600).warnings,
      ElementsAre(
          "rank 3 on node7 has been loading data for 9.0 s in step 120; 1 more does not get on "
          "either; 2 ranks wait for them; last collective: 1,204 (all-reduce of 61,706 f32)"));
}

TEST_F(StallWatchTest, AllMayWaitForEachOther) {
  for (int rank = 0; rank < 4; ++rank) watch_.note(rank, waiting(10 + rank));
  EXPECT_THAT(watch_.judge(100, 600).warnings,
              ElementsAre("all 4 ranks have waited for each other for 10.0 s in step 120; all have "
                          "last started collective 1,204 (all-reduce of 61,706 f32)"));
  watch_.note(0, waiting(0.1));
  EXPECT_THAT(watch_.judge(101, 600).notices, ElementsAre("all ranks go on, after 11.0 s"));
}

TEST_F(StallWatchTest, OfRanksThatWaitForEachOtherTheFurthestBehindIsNamed) {
  for (int rank = 0; rank < 4; ++rank) watch_.note(rank, waiting(10 + rank));
  RankProgress behind = waiting(20);
  behind.collectives = 1203;
  watch_.note(2, behind);
  EXPECT_THAT(watch_.judge(100, 600).warnings,
              ElementsAre("all 4 ranks have waited for each other for 10.0 s in step 120; rank 2 "
                          "on node7, the furthest behind, has last started collective 1,203 "
                          "(all-reduce of 61,706 f32)"));
  watch_.note(3, behind);
  EXPECT_EQ(watch_.judge(100, 5).lost->others, 1);
}

TEST_F(StallWatchTest, ARankIsLostAfterTheTimeout) {
  watch_.note(3, doing(Doing::computing, 599));
  EXPECT_FALSE(watch_.judge(100, 600).lost);
  watch_.note(3, doing(Doing::computing, 601));
  EXPECT_FALSE(watch_.judge(102, 0).lost);
  const auto lost = watch_.judge(102, 600).lost;
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->rank, 3);
  EXPECT_EQ(lost->waiting, 3);
}

TEST_F(StallWatchTest, GroupsTrainOnTheirOwn) {
  for (const int rank : {2, 3}) {
    RankProgress other = doing(Doing::computing, 0.1);
    other.first_rank = 2;
    watch_.note(rank, other);
  }
  watch_.note(1, doing(Doing::loading, 8));
  EXPECT_THAT(
      watch_.judge(100, 600).warnings,
      ElementsAre(testing::HasSubstr(
          "rank 1 on node6 has been loading data for 8.0 s in step 120; 1 rank waits for it")));
}

TEST(Activity, TellsWhatARankIsDoing) {
  Activity activity;
  activity.restart(2);
  activity.begin_step(7);
  activity.begin(Doing::loading);
  EXPECT_EQ(activity.read().doing_text(), "loading data");
  {
    const Activity::During saving(activity, Doing::saving);
    EXPECT_EQ(activity.read().doing, Doing::saving);
  }
  EXPECT_EQ(activity.read().doing, Doing::loading);
  EXPECT_EQ(activity.read().collective_text(), "none");
  float numbers[6] = {};
  activity.started({.data = {numbers, DType::f32, Shape{2, 3}}});
  EXPECT_EQ(activity.read().collective_text(), "1 (all-reduce of 6 f32)");
  EXPECT_EQ(activity.read().step, 7);
  EXPECT_EQ(activity.read().first_rank, 2);
}

TEST(Activity, MeasuresHowLongItHasNotGotOnAndWaited) {
  Activity activity;
  activity.begin_wait();
  EXPECT_EQ(activity.read().doing_text(), "waiting for other ranks");
  usleep(50'000);
  EXPECT_GE(activity.read().still, 0.05);
  activity.end_wait();
  EXPECT_GE(activity.waited(), 0.05);
  EXPECT_LT(activity.read().still, 0.05);
}

TEST(Activity, AveragesTheLastSteps) {
  Activity activity;
  activity.restart(0);
  for (int i = 0; i < 100; ++i) activity.end_step(0.1, 0.2, 0.5);
  const RankProgress progress = activity.read();
  EXPECT_EQ(progress.steps, 100);
  EXPECT_NEAR(progress.step_seconds, 10, 1e-9);
  EXPECT_NEAR(progress.data_seconds, 20, 1e-9);
  EXPECT_NEAR(progress.usual_seconds, 0.5, 1e-9);
  activity.end_step(0, 0, 16.5);  // one slow step
  EXPECT_NEAR(activity.read().usual_seconds, 0.53125, 1e-9);
  for (int i = 0; i < 100; ++i) activity.end_step(0, 0, 4);  // now all are
  EXPECT_NEAR(activity.read().usual_seconds, 4, 0.1);
  activity.restart(0);
  EXPECT_EQ(activity.read().steps, 0);
}

}  // namespace
}  // namespace d2l
