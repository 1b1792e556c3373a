#include "framework/train/step_recorder.h"

#include <gmock/gmock.h>

#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

// One of two ranks; the other one fails to record on request.
class BesideAnother final : public Communicator {
 public:
  BesideAnother() : Communicator(0, 2) {}
  std::string describe() const override { return "beside another"; }
  std::vector<Range> parts(int64_t elements) const override { return {{0, elements}}; }

  bool another_cannot = false;
  uint64_t started() const { return started_; }

 private:
  void do_start(Work work, const Collective& op) override {
    EXPECT_EQ(op.describe(), "all-reduce of 1 i64");
    if (another_cannot) *op.data.as<int64_t>() += 1;
    started_ = work;
  }
  void do_wait(Work) override {}

  Work started_ = 0;
};

class StepRecorderTest : public testing::Test {
 protected:
  // x = x * factor + 1, with temporary memory.
  std::function<void()> work(double factor) {
    return [this, factor] {
      ++calls;
      x.copy_from(x * factor + 1.0);
    };
  }
  bool records() const { return device().device().kind != DeviceKind::cpu; }
  double value() const { return x.item<double>(); }

  Log log{true};
  BesideAnother comm;
  StepRecorder recorder{device(), comm, records(), log};
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

// Tensors that are made in the part's memory and kept end the recordings.
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
  EXPECT_EQ(calls, records() ? 11 : 10);  // one of them was interrupted
  EXPECT_FALSE(recorder.has_recordings());
}

TEST_F(StepRecorderTest, RecordsOnAllRanksOrOnNone) {
  comm.another_cannot = true;
  double expected = 0;
  for (int i = 0; i < 10; ++i) {
    recorder.run({1}, work(0.5));
    expected = expected * 0.5 + 1;
    EXPECT_NEAR(value(), expected, 1e-6) << i;
  }
  EXPECT_FALSE(recorder.has_recordings());
  EXPECT_EQ(calls, records() ? 11 : 10);  // one of them was recorded in vain
}

TEST_F(StepRecorderTest, AnotherRankEndsRecordingsToo) {
  for (int i = 0; i < 5; ++i) recorder.run({1}, work(0));
  EXPECT_EQ(recorder.has_recordings(), records());
  comm.another_cannot = true;
  recorder.run({2}, work(0));
  EXPECT_FALSE(recorder.has_recordings());
}

// Replays need no agreement between ranks.
TEST_F(StepRecorderTest, ReplaysWithoutAskingOtherRanks) {
  for (int i = 0; i < 5; ++i) recorder.run({1}, work(0));
  const uint64_t before = comm.started();
  for (int i = 0; i < 5; ++i) recorder.run({1}, work(0));
  EXPECT_EQ(comm.started(), before);
}

// A pool that runs out of memory releases its free blocks.
TEST_F(StepRecorderTest, WhatIsReplayedKeepsItsMemory) {
  const auto step = [&] {
    Tensor scratch = full(device(), {3 << 20}, 3.0);
    x.copy_from(scratch.rows(0, 1) + x);
  };
  device().pool().trim();
  const uint64_t before = device().pool().stats().bytes_reserved;
  for (int i = 0; i < 5; ++i) recorder.run({1}, step);
  device().pool().trim();
  for (int i = 0; i < 5; ++i) recorder.run({1}, step);
  EXPECT_EQ(value(), 30);
  recorder.forget();
  device().pool().trim();
  EXPECT_EQ(device().pool().stats().bytes_reserved, before);
  for (int i = 0; i < 5; ++i) recorder.run({1}, step);
  EXPECT_EQ(value(), 45);
}

TEST_F(StepRecorderTest, UnwantedItOnlyCalls) {
  StepRecorder none(device(), comm, false, log);
  for (int i = 0; i < 10; ++i) none.run({1}, work(0));
  EXPECT_EQ(calls, 10);
  EXPECT_FALSE(none.has_recordings());
}

}  // namespace
}  // namespace d2l::test
