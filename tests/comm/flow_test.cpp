// Many concurrent operations in unusual orders.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <numeric>
#include <thread>

#include "framework/base/timer.h"
#include "tests/comm/mpi_main.h"
#include "tests/comm/raw_mpi.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using namespace test;
using testing::HasSubstr;

struct Flight {
  Flight(uint64_t count_of_works, uint64_t most_elements) {
    for (uint64_t i = 0; i < count_of_works; ++i) {
      const auto count = static_cast<int64_t>(random_below({8, 8}, i, most_elements));
      values.push_back(whole_numbers<float>(session().rank(), i, count));
      expected.push_back(raw_all_reduce(values.back()));
    }
  }
  void start(Communicator& group) {
    for (auto& each : values) works.push_back(group.start_all_reduce(view(each)));
  }
  std::vector<std::vector<float>> values, expected;
  std::vector<Communicator::Work> works;
};

std::vector<size_t> shuffled(size_t count, uint64_t seed) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random_below({seed, 9}, i, i)]);
  return order;
}

TEST(Flow, ManyWorksUnderWay) {
  Flight flight(300, 20'000);
  flight.start(comm());
  for (auto work : flight.works) comm().wait(work);
  EXPECT_EQ(flight.values, flight.expected);
}

TEST(Flow, WaitedInAnotherOrderOnEveryRank) {
  Flight flight(60, 300'000);
  flight.start(comm());
  for (size_t i : shuffled(flight.works.size(), static_cast<uint64_t>(session().rank()))) {
    comm().wait(flight.works[i]);
    ASSERT_EQ(flight.values[i], flight.expected[i]) << "work " << i;
  }
}

TEST(Flow, ReductionsBetweenOtherOperations) {
  for (uint64_t round = 0; round < 20; ++round) {
    Flight flight(6, 50'000);
    flight.start(comm());
    std::vector<int64_t> note = {session().rank() == 0 ? 77 + static_cast<int64_t>(round) : 0};
    comm().broadcast(view(note), 0);
    ASSERT_EQ(note[0], 77 + static_cast<int64_t>(round));
    comm().wait(flight.works[0]);
    comm().barrier();
    std::vector<int32_t> mine = {session().rank()}, all(static_cast<size_t>(session().size()));
    comm().all_gather(view(mine), view(all));
    for (int rank = 0; rank < session().size(); ++rank)
      ASSERT_EQ(all[static_cast<size_t>(rank)], rank);
    for (size_t i = 1; i < flight.works.size(); ++i) comm().wait(flight.works[i]);
    ASSERT_EQ(flight.values, flight.expected);
  }
}

TEST(Flow, OperationsOfAllKindsUnderWay) {
  struct Started {
    Communicator::Work work;
    std::function<bool()> has_result;
  };
  const int rank = session().rank(), size = session().size();
  for (uint64_t round = 0; round < 5; ++round) {
    const int root = static_cast<int>(round) % size;
    auto sum = whole_numbers<float>(rank, round, 2'000'000);  // several pieces
    auto note = whole_numbers<double>(rank, round, 70'001);
    auto mine = whole_numbers<int32_t>(rank, round, 999);
    std::vector<int32_t> all(mine.size() * static_cast<size_t>(size)), expected_all;
    for (int other = 0; other < size; ++other)
      for (int32_t value : whole_numbers<int32_t>(other, round, 999)) expected_all.push_back(value);
    const auto expected_sum = raw_all_reduce(sum);
    const auto expected_note = whole_numbers<double>(root, round, 70'001);

    const std::vector<Started> started = {
        {comm().start_all_reduce(view(sum)), [&] { return sum == expected_sum; }},
        {comm().start({.kind = Collective::Kind::broadcast, .data = view(note), .root = root}),
         [&] { return note == expected_note; }},
        {comm().start(
             {.kind = Collective::Kind::all_gather, .data = view(all), .mine = view(mine)}),
         [&] { return all == expected_all; }}};
    for (size_t i : shuffled(started.size(), static_cast<uint64_t>(rank) + round)) {
      comm().wait(started[i].work);
      ASSERT_TRUE(started[i].has_result()) << "operation " << i << ", round " << round;
    }
  }
}

TEST(Flow, RanksAtDifferentSpeeds) {
  for (int round = 0; round < 30; ++round) {
    Flight flight(4, 3000);
    const auto delay = random_below({static_cast<uint64_t>(session().rank()), 3},
                                    static_cast<uint64_t>(round), 3000);
    std::this_thread::sleep_for(std::chrono::microseconds(delay));
    flight.start(comm());
    for (auto work : flight.works) comm().wait(work);
    ASSERT_EQ(flight.values, flight.expected);
  }
}

TEST(Flow, BarrierHoldsUntilTheLastOne) {
  Timer timer;
  comm().barrier();
  timer.restart();
  if (session().rank() == session().size() - 1)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  comm().barrier();
  EXPECT_GE(timer.seconds(), 0.09);
}

// Reads memory that belongs to the communicator, only to check that it changes without a wait.
TEST(Flow, LargeWorksGoOnWhileTheCallerDoesSomethingElse) {
  if (session().size() == 1) return;  // nothing to test
  std::vector<float> values(4 << 20, 1.0f);
  const auto work = comm().start_all_reduce(view(values));
  volatile const float* last = &values.back();
  Timer timer;
  while (*last != static_cast<float>(session().size()) && timer.seconds() < 10)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(*last, static_cast<float>(session().size()));
  comm().wait(work);
  EXPECT_EQ(values.front(), static_cast<float>(session().size()));
}

TEST(Flow, TwoCommunicatorsDoNotMeet) {
  auto other = session().communicator();
  Flight here(20, 60'000), there(20, 60'000);
  here.start(comm());
  there.start(*other);
  // opposite orders: each must progress without the other
  const bool even = session().rank() % 2 == 0;
  for (Flight* flight : {even ? &here : &there, even ? &there : &here})
    for (auto work : flight->works) (flight == &here ? comm() : *other).wait(work);
  EXPECT_EQ(here.values, here.expected);
  EXPECT_EQ(there.values, there.expected);
}

TEST(Flow, TheEndFinishesWhatWasStarted) {
  Flight flight(10, 500'000);
  {
    auto other = session().communicator();
    flight.start(*other);
  }
  EXPECT_EQ(flight.values, flight.expected);
}

TEST(Flow, NamesMisuseAndStaysUsable) {
  std::vector<int32_t> integers(3);
  std::vector<float> values(3, 1.0f), room(4);
  EXPECT_THAT(message_of([&] { comm().start_all_reduce(view(integers)); }), HasSubstr("i32"));
  EXPECT_THAT(message_of([&] { comm().wait(1'000'000); }), HasSubstr("1000000"));
  EXPECT_THAT(message_of([&] { comm().wait(0); }), HasSubstr("number 0"));
  const auto work = comm().start_all_reduce(view(values));
  comm().wait(work);
  EXPECT_THAT(message_of([&] { comm().wait(work); }), HasSubstr("has been waited for before"));
  std::fill(values.begin(), values.end(), 1.0f);
  EXPECT_THAT(message_of([&] { comm().broadcast(view(values), session().size()); }),
              HasSubstr("root below"));
  EXPECT_THAT(message_of([&] { comm().all_gather(view(values), view(room)); }),
              HasSubstr("found 4"));
  EXPECT_THAT(message_of([&] { comm().all_gather(view(values), view(integers)); }),
              HasSubstr("f32 and i32"));
  comm().all_reduce(view(values));
  EXPECT_EQ(values[2], static_cast<float>(session().size()));
}

}  // namespace
}  // namespace d2l
