#include "framework/optim/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace d2l {
namespace {

using Kind = Schedule::Kind;

TEST(Schedule, ConstantStays) {
  const Schedule schedule{.lr = 0.3};
  for (int64_t step : {0, 1, 1000000}) EXPECT_EQ(schedule.at(step), 0.3);
}

TEST(Schedule, WarmsUpInALine) {
  for (Kind kind : {Kind::constant, Kind::step, Kind::multistep, Kind::polynomial, Kind::cosine}) {
    Schedule schedule{.kind = kind, .lr = 0.8, .warmup = 4, .steps = 20, .step_every = 10};
    EXPECT_DOUBLE_EQ(schedule.at(0), 0.2);
    EXPECT_DOUBLE_EQ(schedule.at(2), 0.6);
    EXPECT_DOUBLE_EQ(schedule.at(3), 0.8);
    EXPECT_DOUBLE_EQ(schedule.at(4), 0.8) << "the schedule begins at its top";
    schedule.warmup_start = 0.4;
    EXPECT_DOUBLE_EQ(schedule.at(0), 0.5);
    EXPECT_DOUBLE_EQ(schedule.at(3), 0.8);
  }
  const Schedule one_step{.lr = 0.8, .warmup = 1};
  EXPECT_DOUBLE_EQ(one_step.at(0), 0.8);
}

TEST(Schedule, StepFallsEverySoOften) {
  const Schedule schedule{.kind = Kind::step, .lr = 1, .gamma = 0.5, .step_every = 3};
  EXPECT_DOUBLE_EQ(schedule.at(2), 1);
  EXPECT_DOUBLE_EQ(schedule.at(3), 0.5);
  EXPECT_DOUBLE_EQ(schedule.at(5), 0.5);
  EXPECT_DOUBLE_EQ(schedule.at(6), 0.25);
}

TEST(Schedule, MultistepFallsAtItsMilestones) {
  const Schedule schedule{.kind = Kind::multistep, .lr = 1, .warmup = 2, .milestones = {5, 9}};
  EXPECT_DOUBLE_EQ(schedule.at(4), 1);
  EXPECT_DOUBLE_EQ(schedule.at(5), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(8), 0.1);
  EXPECT_NEAR(schedule.at(9), 0.01, 1e-15);
  EXPECT_NEAR(schedule.at(1000), 0.01, 1e-15);
}

TEST(Schedule, PolynomialArrivesAfterTheLastStep) {
  const Schedule schedule{
      .kind = Kind::polynomial, .lr = 1, .warmup = 10, .steps = 110, .final_lr = 0.1, .power = 2};
  EXPECT_DOUBLE_EQ(schedule.at(10), 1);
  EXPECT_DOUBLE_EQ(schedule.at(60), 0.1 + 0.9 * 0.25);
  EXPECT_NEAR(schedule.at(109), 0.1 + 0.9 * 1e-4, 1e-12);
  EXPECT_DOUBLE_EQ(schedule.at(110), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(5000), 0.1);
}

TEST(Schedule, CosineArrivesAfterTheLastStep) {
  const Schedule schedule{
      .kind = Kind::cosine, .lr = 2, .warmup = 10, .steps = 110, .final_lr = 0.5};
  EXPECT_DOUBLE_EQ(schedule.at(10), 2);
  EXPECT_DOUBLE_EQ(schedule.at(35), 0.5 + 1.5 * (1 + std::sqrt(0.5)) / 2);
  EXPECT_DOUBLE_EQ(schedule.at(60), 1.25);
  EXPECT_GT(schedule.at(109), 0.5);
  EXPECT_LT(schedule.at(109), 0.501);
  EXPECT_DOUBLE_EQ(schedule.at(110), 0.5);
  EXPECT_DOUBLE_EQ(schedule.at(5000), 0.5);
}

}  // namespace
}  // namespace d2l
