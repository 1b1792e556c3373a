#include "framework/train/step_recorder.h"

#include <gmock/gmock.h>

#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

class StepRecorderTest : public testing::Test {
 protected:
  // x = x * factor + 1, with memory in between.
  std::function<void()> work(double factor) {
    return [this, factor] {
      ++calls;
      x.copy_from(x * factor + 1.0);
    };
  }
  bool records() const { return device().device().kind != DeviceKind::cpu; }
  double value() const { return x.item<double>(); }

  Log log{true};
  StepRecorder recorder{device(), records(), log};
  Tensor x = full(device(), {1}, 0.0);
  int calls = 0;
};

TEST_F(StepRecorderTest, ReplaysAfterAFewCalls) {
  double expected = 0;
  for (int i = 0; i < 20; ++i) {
    recorder.run({1}, work(0.5));
    expected = expected * 0.5 + 1;
    EXPECT_NEAR(value(), expected, 1e-6) << i;
  }
  EXPECT_EQ(recorder.has_recordings(), records());
  EXPECT_EQ(calls, records() ? 4 : 20);
}

TEST_F(StepRecorderTest, KeepsKeysApart) {
  double expected = 0;
  for (int i = 0; i < 30; ++i) {
    const double factor = i % 3 == 0 ? 0.25 : 0.5;
    recorder.run({i % 3 == 0}, work(factor));
    expected = expected * factor + 1;
    EXPECT_NEAR(value(), expected, 1e-6) << i;
  }
  EXPECT_EQ(calls, records() ? 8 : 30);
}

TEST_F(StepRecorderTest, CallsWorkOfManyKinds) {
  for (int i = 0; i < 100; ++i) recorder.run({i % 10}, work(0));
  EXPECT_EQ(calls, records() ? 10 * 10 - 4 * 6 : 100);
}

TEST_F(StepRecorderTest, OthersMemoryStaysAsItIs) {
  auto step = [&] {
    Tensor scratch = full(device(), {1000}, 3.0);
    x.copy_from(scratch.rows(0, 1) + x);
  };
  for (int i = 0; i < 5; ++i) recorder.run({1}, step);
  const Tensor other = full(device(), {1000}, 7.0);
  for (int i = 0; i < 5; ++i) recorder.run({1}, step);
  EXPECT_EQ(other.to_vector<float>(), std::vector<float>(1000, 7.0f));
  EXPECT_EQ(value(), 30);
}

// Tensors that are made while the part's memory is in use, and stay, end the recordings.
TEST_F(StepRecorderTest, WhatWorkKeepsIsNotOverwritten) {
  Tensor kept;
  for (int i = 0; i < 5; ++i) recorder.run({1}, work(0));
  recorder.run({2}, [&] { kept = full(device(), {1000}, 5.0); });
  EXPECT_FALSE(recorder.has_recordings());
  for (int i = 0; i < 5; ++i) recorder.run({1}, work(0));
  EXPECT_EQ(kept.to_vector<float>(), std::vector<float>(1000, 5.0f));
  EXPECT_EQ(recorder.has_recordings(), records());
}

TEST_F(StepRecorderTest, WorkThatCannotBeRecordedGoesOnAsItWas) {
  for (int i = 0; i < 10; ++i)
    recorder.run({1}, [&] {
      ++calls;
      x += 1;
      device().synchronize();
    });
  EXPECT_EQ(value(), 10);
  EXPECT_EQ(calls, records() ? 11 : 10);  // one of them was broken off
  EXPECT_FALSE(recorder.has_recordings());
}

TEST_F(StepRecorderTest, UnwantedItOnlyCalls) {
  StepRecorder none(device(), false, log);
  for (int i = 0; i < 10; ++i) none.run({1}, work(0));
  EXPECT_EQ(calls, 10);
  EXPECT_FALSE(none.has_recordings());
}

}  // namespace
}  // namespace d2l::test
