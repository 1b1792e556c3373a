#include "framework/train/step_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "framework/comm/exchange_plan.h"

namespace d2l {
namespace {

using Event = StepTimeline::Event;
constexpr auto kReduce = Collective::Kind::all_reduce;
constexpr int64_t kMiB = 1 << 20;

// 10 ms of the forward pass, then buckets of 1 MiB that are ready every 2 ms, waits at the end of
// the backward pass, and 3 ms of the optimizer.
StepTimeline step_of(int buckets) {
  StepTimeline timeline{.events = {}, .rest = 3e-3};
  for (int i = 0; i < buckets; ++i)
    timeline.events.push_back({.compute = i == 0 ? 10e-3 : 2e-3,
                               .what = Event::What::start,
                               .operation = static_cast<uint64_t>(i),
                               .bytes = kMiB});
  for (int i = 0; i < buckets; ++i)
    timeline.events.push_back({.what = Event::What::wait, .operation = static_cast<uint64_t>(i)});
  return timeline;
}

// A network in which two ranks need this time for 1 MiB: each sends half of it twice.
Network network_for(double seconds_per_bucket) {
  return {.latency = 0, .bandwidth = static_cast<double>(kMiB) / seconds_per_bucket};
}

TEST(StepModel, OfOneRankIsItsComputing) {
  const StepTime time = step_time(step_of(4), {.ranks = 1, .network = network_for(1)});
  EXPECT_DOUBLE_EQ(time.seconds, 19e-3);
  EXPECT_DOUBLE_EQ(time.compute, 19e-3);
  EXPECT_EQ(time.waiting, 0);
  EXPECT_EQ(time.transfer, 0);
}

TEST(StepModel, WithAnIdealNetworkIsItsComputing) {
  EXPECT_DOUBLE_EQ(step_time(step_of(4), {.ranks = 2}).seconds, 19e-3);
}

TEST(StepModel, HidesWhatFitsIntoTheBackwardPass) {
  // The last bucket is ready at 16 ms, and only its transfer remains.
  const StepTime fast = step_time(step_of(4), {.ranks = 2, .network = network_for(1e-3)});
  EXPECT_NEAR(fast.seconds, 20e-3, 1e-12);
  EXPECT_NEAR(fast.waiting, 1e-3, 1e-12);
  EXPECT_NEAR(fast.transfer, 4e-3, 1e-12);
  EXPECT_NEAR(fast.hidden(), 0.75, 1e-9);
  // From 10 ms on the link is always busy.
  const StepTime slow = step_time(step_of(4), {.ranks = 2, .network = network_for(10e-3)});
  EXPECT_NEAR(slow.seconds, 10e-3 + 40e-3 + 3e-3, 1e-12);
}

TEST(StepModel, AddsUpWhatCannotOverlap) {
  StepTimeline timeline = step_of(1);
  const StepTime time = step_time(timeline, {.ranks = 2, .network = network_for(7e-3)});
  EXPECT_NEAR(time.seconds, 13e-3 + 7e-3, 1e-12);
  EXPECT_NEAR(time.hidden(), 0, 1e-9);
}

TEST(StepModel, SlowsComputingDuringTransfers) {
  // 4 ms of transfers from 10 ms on; the 6 ms of computing between the buckets go on at half speed
  // meanwhile: buckets start at 10, then 1 ms of transfer gives 0.5 ms of work, and so on.
  const StepTime time =
      step_time(step_of(4), {.ranks = 2, .network = network_for(1e-3), .speed_in_transfer = 0.5});
  EXPECT_NEAR(time.slowed, 3 * 0.5e-3, 1e-12);
  EXPECT_NEAR(time.seconds, 19e-3 + time.slowed + time.waiting, 1e-12);
  // Transfers that never end slow everything after the first bucket, also until the last one.
  const StepTime slow =
      step_time(step_of(4), {.ranks = 2, .network = network_for(10e-3), .speed_in_transfer = 0.5});
  EXPECT_NEAR(slow.seconds, 53e-3, 1e-12);
}

TEST(StepModel, SlowsTransfersDuringComputing) {
  // A bucket needs 12 ms alone. In the 6 ms of computing after the first one, as much passes as
  // alone in 3 ms.
  const StepTime time = step_time(
      step_of(4), {.ranks = 2, .network = network_for(12e-3), .bandwidth_in_compute = 0.5});
  EXPECT_NEAR(time.waiting, 4 * 12e-3 - 3e-3, 1e-12);
  EXPECT_NEAR(time.slowed, 0, 1e-12);
}

TEST(StepModel, MediansKeepTheMiddleWhole) {
  StepTimeline slow = step_of(2).scaled(3), usual = step_of(2), fast = step_of(2).scaled(0.5);
  const StepTimeline found = median_of({slow, fast, usual});
  EXPECT_DOUBLE_EQ(found.compute(), usual.compute());
  EXPECT_DOUBLE_EQ(found.events[1].compute, 2e-3);
  EXPECT_EQ(found.reduced_bytes(), 2 * kMiB);
}

TEST(TransferModel, FollowsTheExchangePlan) {
  const auto parts = transfers_of(kReduce, 2 * kMiB + 512, 8, Carrier::mpi, {});
  ASSERT_EQ(parts.size(), 3u);
  // Rabenseifner: 2 log2(8) messages, and 2 (8 - 1) / 8 of the bytes in each direction.
  EXPECT_EQ(parts[0].messages, 6);
  EXPECT_NEAR(parts[0].bytes, 2 * 7.0 / 8 * kMiB, 200);
  // Recursive doubling of a small piece: log2(8) messages of all bytes.
  EXPECT_EQ(parts[2].messages, 3);
  EXPECT_EQ(parts[2].bytes, 3 * 512);
  // 6 ranks: 2 of them send everything to a neighbour first, and get the sum from it.
  const auto six = transfers_of(kReduce, kMiB, 6, Carrier::mpi, {});
  EXPECT_EQ(six[0].messages, 2 * 2 + 2);
  EXPECT_NEAR(six[0].bytes, (2 * 3.0 / 4 + 1) * kMiB, 200);
  EXPECT_TRUE(transfers_of(kReduce, kMiB, 1, Carrier::mpi, {}).empty());
}

TEST(TransferModel, ChoosesARingOrATreeForNccl) {
  const Network network{.latency = 2e-6, .bandwidth = 25e9};
  const auto large = transfers_of(kReduce, 1000 * kMiB, 8, Carrier::nccl, network);
  EXPECT_EQ(large[0].messages, 14);
  EXPECT_DOUBLE_EQ(large[0].bytes, 2 * 7.0 / 8 * 1000 * kMiB);
  const auto small = transfers_of(kReduce, 1000, 4096, Carrier::nccl, network);
  EXPECT_EQ(small[0].messages, 24);
}

TEST(TransferModel, KeepsPiecesUnderWay) {
  const Network network{.latency = 1e-3, .bandwidth = 1e9};
  const double one = operation_seconds(kReduce, kMiB, 2, Carrier::mpi, network);
  EXPECT_NEAR(one, 2e-3 + kMiB / 1e9, 1e-9);
  // The messages of up to four pieces overlap.
  const double four = operation_seconds(kReduce, 4 * kMiB, 2, Carrier::mpi, network);
  EXPECT_NEAR(four, 2e-3 + 4 * kMiB / 1e9, 1e-9);
  const Network far{.latency = 1, .bandwidth = 1e15};
  EXPECT_NEAR(operation_seconds(kReduce, 8 * kMiB, 2, Carrier::mpi, far), 4, 1e-6);
}

TEST(TransferModel, FindsTheNetworkOfItsOwnTimes) {
  const Network network{.latency = 30e-6, .bandwidth = 120e6};
  for (const int ranks : {2, 3, 16}) {
    const auto seconds = [&](int64_t bytes) {
      return MeasuredReduce{bytes, operation_seconds(kReduce, bytes, ranks, Carrier::mpi, network)};
    };
    const Network found = fitted_network(seconds(64), seconds(8 * kMiB), ranks, Carrier::mpi);
    EXPECT_NEAR(found.latency, network.latency, 0.1 * network.latency);
    EXPECT_NEAR(found.bandwidth, network.bandwidth, 0.01 * network.bandwidth);
  }
}

}  // namespace
}  // namespace d2l
