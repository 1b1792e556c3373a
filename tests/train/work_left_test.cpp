#include "framework/train/work_left.h"

#include <gtest/gtest.h>

#include "framework/train/trainer.h"

namespace d2l::test {
namespace {

// 40 epochs of 1,000 samples, of which three and a half are done.
constexpr int64_t kSamples = 1000;

TEST(WorkLeft, CountsSamplesWhateverTheBatch) {
  const TrainerOptions options = {.epochs = 40};
  // steps of 10 throughout; of 10 in the first epochs and 500 since then
  const WorkLeft small = work_left(
      options, {.step = 350, .epoch = 3, .step_in_epoch = 50, .epoch_samples = 500}, kSamples, 100);
  const WorkLeft large = work_left(
      options, {.step = 301, .epoch = 3, .step_in_epoch = 1, .epoch_samples = 500}, kSamples, 2);
  EXPECT_DOUBLE_EQ(small.done, 3.5 / 40);
  EXPECT_DOUBLE_EQ(large.done, 3.5 / 40);
  EXPECT_DOUBLE_EQ(small.samples, 36'500);
  EXPECT_DOUBLE_EQ(large.samples, 36'500);
}

TEST(WorkLeft, EndsWithMaxSteps) {
  const Position position = {.step = 30, .epoch = 0, .step_in_epoch = 30, .epoch_samples = 300};
  const WorkLeft left = work_left({.epochs = 40, .max_steps = 150}, position, kSamples, 100);
  EXPECT_DOUBLE_EQ(left.samples, 1200);
  EXPECT_DOUBLE_EQ(left.done, 0.2);
  EXPECT_EQ(left.evaluations, 2);  // of the first epoch, and at the end
  EXPECT_EQ(work_left({.epochs = 40, .max_steps = 30}, position, kSamples, 100).done, 1);
  EXPECT_EQ(work_left({.epochs = 0}, position, kSamples, 100).samples, 0);
}

TEST(WorkLeft, CountsEvaluationsAndSaves) {
  const Position position = {.step = 250, .epoch = 2, .step_in_epoch = 50, .epoch_samples = 500};
  const WorkLeft by_epochs = work_left({.epochs = 4}, position, kSamples, 100);
  EXPECT_EQ(by_epochs.evaluations, 2);
  EXPECT_EQ(by_epochs.saves, 2);
  const WorkLeft by_steps =
      work_left({.epochs = 4, .save_every = 60, .eval_every = 2}, position, kSamples, 100);
  EXPECT_EQ(by_steps.evaluations, 75);
  EXPECT_EQ(by_steps.saves, 3);  // steps 300 and 360, and at the end
}

TEST(WorkLeft, TakesWhatItTookSoFar) {
  const WorkLeft work = {.samples = 500, .evaluations = 4, .saves = 3};
  EXPECT_DOUBLE_EQ(work.seconds(50, {}, {}), 10);
  EXPECT_DOUBLE_EQ(work.seconds(50, {.seconds = 1, .times = 2}, {.seconds = 8, .times = 1}),
                   10 + 2 + 24);
}

TEST(Spent, IsExpectedAgainForEachTime) {
  Spent spent;
  EXPECT_EQ(spent.seconds_of(10), 0);
  spent.add(1);
  spent.add(3);
  EXPECT_DOUBLE_EQ(spent.seconds_of(5), 10);
}

}  // namespace
}  // namespace d2l::test
