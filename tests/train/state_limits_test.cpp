#include "framework/train/state_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "framework/train/trainer.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;

// 10 steps in an epoch of 1000 samples.
class Thousand final : public BatchSource {
 public:
  int64_t samples() const override { return 1000; }
  int64_t steps_per_epoch() const override { return 10; }
  int64_t largest_part() const override { return 100; }
  void seek(int64_t, int64_t) override {}
  Batch next() override { return {}; }
};

Snapshot::Array array_of(const std::vector<float>& values) {
  Snapshot::Array array{DType::f32, Shape{static_cast<int64_t>(values.size())},
                        std::vector<uint8_t>(values.size() * sizeof(float))};
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

const Metric kAccuracy{.name = "accuracy", .label = "acc", .sum = "correct"};

// In the fourth step of the third epoch.
Snapshot sound() {
  Position position{.step = 24,
                    .epoch = 2,
                    .step_in_epoch = 4,
                    .epoch_samples = 400,
                    .epoch_loss = 812.5,
                    .train_loss = 2.25,
                    .evaluated_step = 20,
                    .test_loss = 2.5,
                    .best = {.metric = kAccuracy, .value = 0.5, .step = 10, .evaluations_since = 1},
                    .metrics = {{.metric = kAccuracy, .sum = 90, .train = 0.125, .test = 0.25}}};
  LossScaleState scale{.scale = 65536, .good_steps = 23, .skipped_steps = 0};
  Snapshot snapshot = take_snapshot([&](StateVisitor& visitor) {
    position.visit(visitor);
    scale.visit(visitor);
  });
  snapshot.integers["optimizer/steps"] = 23;
  snapshot.arrays["parameters/w"] = array_of({-1, 2});
  snapshot.arrays["optimizer/mean/w"] = array_of({-1e-3F, 0});
  snapshot.arrays["optimizer/square/w"] = array_of({1e-6F, 0});
  for (const std::string prefix : {"", "ema/"}) {
    snapshot.arrays[prefix + "buffers/norm.running_mean"] = array_of({-1, 0});
    snapshot.arrays[prefix + "buffers/norm.running_var"] = array_of({1, 0});
  }
  return snapshot;
}

std::string complaint(const Snapshot& snapshot) {
  const std::string message = message_of([&] {
    check_state_limits(snapshot, "run/a.h5", Thousand(), Position::at_start({kAccuracy}));
  });
  EXPECT_EQ(message.find("run/a.h5: "), 0u) << message;
  return message;
}

void check_position(Position position) {
  check_state_limits(take_snapshot([&](StateVisitor& visitor) { position.visit(visitor); }),
                     "run/a.h5", Thousand(), position);
}

TEST(StateLimits, SoundStatesPass) {
  check_state_limits(sound(), "run/a.h5", Thousand(), Position::at_start({kAccuracy}));
  check_position(Position::at_start({kAccuracy}));
  check_position({.step = 30,
                  .epoch = 3,
                  .train_loss = 2,
                  .evaluated_step = 30,
                  .best = {.metric = kAccuracy, .value = 1, .step = 30},
                  .metrics = {{.metric = kAccuracy, .train = 1, .test = 1}}});
}

// Errors have no upper limit, and the best one is the smallest.
TEST(StateLimits, MetricsHaveTheirOwnRange) {
  const Metric error{.name = "rmse",
                     .label = "rmse",
                     .sum = "squared_error",
                     .most = HUGE_VAL,
                     .larger_is_better = false};
  Position position{.step = 24,
                    .epoch = 2,
                    .step_in_epoch = 4,
                    .epoch_samples = 400,
                    .evaluated_step = 20,
                    .best = {.metric = error, .value = 7, .step = 10},
                    .metrics = {{.metric = error, .sum = 1e9, .train = 8, .test = 7.5}}};
  check_position(position);
  position.best.value = 8;
  EXPECT_THAT(message_of([&] { check_position(position); }),
              HasSubstr("progress/best_rmse: expected a number from 0 to 7.5, found 8"));
  position.best.value = 7;
  position.metrics[0].sum = -1;
  EXPECT_THAT(message_of([&] { check_position(position); }),
              HasSubstr("progress/epoch_squared_error: expected a number from 0 to inf, found -1"));
}

TEST(StateLimits, CountsThatCannotBeAreNamed) {
  struct Case {
    const char* name;
    int64_t value;
    const char* expected;
  };
  for (const Case& bad : std::initializer_list<Case>{
           {"progress/step", -1, "from 0 to "},
           {"progress/step", int64_t{1} << 62, "from 0 to "},
           {"progress/step", 3, ""},  // fewer than in its epoch
           {"progress/step_in_epoch", -1, "from 0 to 24, found -1"},
           {"progress/step_in_epoch", 11,
            "epochs have only 10 steps: the data or --batch-size have changed"},
           {"progress/epoch", -1, "from 1 to 20, found -1"},
           {"progress/epoch", 0, "from 1 to 20, found 0"},
           {"progress/epoch", int64_t{1} << 40, "from 1 to 20, found 1099511627776"},
           {"progress/epoch_samples", int64_t{1} << 62, "from 4 to 994, found 4611686018427387904"},
           {"progress/epoch_samples", -400, "from 4 to 994, found -400"},
           {"progress/evaluated_step", -2, "from -1 to 24, found -2"},
           {"progress/evaluated_step", 25, "from -1 to 24, found 25"},
           {"progress/best_step", -2, "from -1 to 20, found -2"},
           {"progress/best_step", 21, "from -1 to 20, found 21"},
           {"progress/evaluations_since_best", -1, "from 0 to 20, found -1"},
           {"progress/evaluations_since_best", 21, "from 0 to 20, found 21"},
           {"optimizer/steps", -1, "from 0 to 24, found -1"},
           {"optimizer/steps", 25, "from 0 to 24, found 25"},
           {"loss_scale/good_steps", -1, "from 0 to 24, found -1"},
           {"loss_scale/skipped_steps", 25, "from 0 to 24, found 25"}}) {
    Snapshot snapshot = sound();
    ASSERT_TRUE(snapshot.integers.contains(bad.name)) << bad.name;
    snapshot.integers[bad.name] = bad.value;
    EXPECT_THAT(complaint(snapshot), HasSubstr(bad.expected)) << bad.name << " " << bad.value;
  }
}

// The evaluation at the end of an epoch may be still to come.
TEST(StateLimits, AnEpochMayBeAtItsEnd) {
  Snapshot snapshot = sound();
  snapshot.integers["progress/step_in_epoch"] = 10;
  snapshot.integers["progress/epoch_samples"] = 1000;
  EXPECT_NO_THROW(
      check_state_limits(snapshot, "run/a.h5", Thousand(), Position::at_start({kAccuracy})));
}

TEST(StateLimits, MissedStepsAreSteps) {
  Snapshot snapshot = sound();
  snapshot.integers["optimizer/missed_steps/fc.weight"] = 23;
  EXPECT_NO_THROW(
      check_state_limits(snapshot, "run/a.h5", Thousand(), Position::at_start({kAccuracy})));
  snapshot.integers["optimizer/missed_steps/fc.weight"] = 24;
  EXPECT_THAT(complaint(snapshot),
              HasSubstr("missed_steps/fc.weight: expected a number from 0 to 23"));
}

TEST(StateLimits, NumbersThatCannotBeAreNamed) {
  struct Case {
    const char* name;
    std::vector<double> values;
    const char* expected;
  };
  const double nan = std::nan(""), infinity = HUGE_VAL;
  for (const Case& bad : std::initializer_list<Case>{
           {"progress/epoch_loss", {nan, infinity, -infinity}, "expected a number, found "},
           {"progress/epoch_correct", {-1, 401}, "from 0 to 400, found "},
           {"progress/epoch_correct", {nan}, "expected a number, found nan"},
           {"progress/train_loss", {infinity}, "expected a number, found inf"},
           {"progress/train_accuracy", {-0.5, 1.5}, "from 0 to 1, found "},
           {"progress/test_accuracy", {-0.5, 1e300}, "from 0 to 1, found "},
           {"progress/best_accuracy", {0.125, -1, 2}, "from 0.25 to 1, found "},
           {"progress/test_loss", {-1}, "from 0 to inf, found -1"},
           {"progress/best_accuracy", {nan}, "expected a number, found nan"},
           {"loss_scale/scale", {0, -2, 1e30}, "expected a number from "},
           {"loss_scale/scale", {nan, infinity}, "expected a number, found "}})
    for (const double value : bad.values) {
      Snapshot snapshot = sound();
      ASSERT_TRUE(snapshot.reals.contains(bad.name)) << bad.name;
      snapshot.reals[bad.name] = value;
      const std::string message = complaint(snapshot);
      EXPECT_THAT(message, HasSubstr(std::string(bad.name) + ": ")) << value;
      EXPECT_THAT(message, HasSubstr(bad.expected)) << value;
    }
}

TEST(StateLimits, ArraysThatCannotBeAreNamed) {
  for (const auto& [name, array] : sound().arrays)
    for (const float value : {std::nanf(""), HUGE_VALF}) {
      Snapshot snapshot = sound();
      snapshot.arrays[name] = array_of({0, value});
      EXPECT_THAT(complaint(snapshot),
                  HasSubstr(name + ": expected numbers, found elements that are not finite"));
    }
  for (const char* name :
       {"optimizer/square/w", "buffers/norm.running_var", "ema/buffers/norm.running_var"}) {
    Snapshot snapshot = sound();
    snapshot.arrays[name] = array_of({1, -1e-9F});
    EXPECT_THAT(complaint(snapshot),
                HasSubstr(std::string(name) + ": expected no negative elements, found -1e-09"));
  }
}

}  // namespace
}  // namespace d2l::test
