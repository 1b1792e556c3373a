#include "framework/comm/exchange_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <deque>
#include <functional>
#include <map>

#include "framework/base/rng.h"
#include "framework/comm/sum.h"

namespace d2l {
namespace {

using Values = std::vector<float>;
using PlanOf = std::function<std::vector<Exchange>(int rank, int size, int64_t elements)>;

// Runs all ranks' plans in one process: a message is a copy in a queue between two ranks, and every
// rank continues as far as it can until all are done. Returns each rank's values.
std::vector<Values> simulate(std::vector<Values> values, const PlanOf& plan_of) {
  const int size = static_cast<int>(values.size());
  std::vector<std::vector<Exchange>> plans;
  for (int rank = 0; rank < size; ++rank)
    plans.push_back(plan_of(rank, size, static_cast<int64_t>(values[0].size())));
  std::map<std::pair<int, int>, std::deque<Values>> wires;
  std::vector<size_t> next(values.size(), 0);
  std::vector<bool> sent(values.size(), false);
  for (bool moved = true; moved;) {
    moved = false;
    for (int rank = 0; rank < size; ++rank) {
      const size_t r = static_cast<size_t>(rank);
      if (next[r] == plans[r].size()) continue;
      const Exchange& step = plans[r][next[r]];
      if (!sent[r] && step.send.elements() > 0)
        wires[{rank, step.partner}].emplace_back(values[r].begin() + step.send.begin,
                                                 values[r].begin() + step.send.end);
      sent[r] = true;
      if (step.receive.elements() > 0) {
        auto& wire = wires[{step.partner, rank}];
        if (wire.empty()) continue;
        const Values came = wire.front();
        wire.pop_front();
        EXPECT_EQ(static_cast<int64_t>(came.size()), step.receive.elements());
        float* mine = values[r].data() + step.receive.begin;
        const bool first = step.partner < rank;
        if (step.add)
          add_elements(DType::f32, mine, first ? came.data() : mine, first ? mine : came.data(),
                       step.receive.elements());
        else
          std::copy(came.begin(), came.end(), mine);
      }
      ++next[r];
      sent[r] = false;
      moved = true;
    }
  }
  for (size_t r = 0; r < values.size(); ++r) EXPECT_EQ(next[r], plans[r].size()) << "stuck " << r;
  for (auto& [ends, wire] : wires) EXPECT_TRUE(wire.empty());
  return values;
}

PlanOf all_reduce(int64_t whole_elements) {
  return [whole_elements](int rank, int size, int64_t elements) {
    return plan_all_reduce(rank, size, elements, whole_elements);
  };
}

bool same_bits(const Values& a, const Values& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y);
  });
}

TEST(ExchangePlan, EveryRankEndsWithTheSumInTheSameBits) {
  for (int size = 1; size <= 33; ++size) {
    for (int64_t elements : {0, 1, 2, 15, 16, 17, 31, 100, 1000}) {
      for (int64_t whole : {0, 64}) {
        std::vector<Values> values(static_cast<size_t>(size));
        std::vector<double> expected(static_cast<size_t>(elements), 0.0);
        for (size_t r = 0; r < values.size(); ++r)
          for (int64_t i = 0; i < elements; ++i) {
            values[r].push_back(to_unit(random_word({r + 1, 7}, static_cast<uint64_t>(i))) - 0.3f);
            expected[static_cast<size_t>(i)] += static_cast<double>(values[r].back());
          }
        const auto results = simulate(values, all_reduce(whole));
        for (const Values& result : results) {
          ASSERT_TRUE(same_bits(result, results[0]))
              << size << " ranks, " << elements << " elements";
          for (size_t i = 0; i < result.size(); ++i)
            ASSERT_NEAR(result[i], expected[i], 1e-5 * size) << size << " ranks, element " << i;
        }
      }
    }
  }
}

// The parts have the bits of an all-reduce, cover all elements once, and can be gathered.
TEST(ExchangePlan, ReduceScatterAndGatherAreTheHalvesOfAnAllReduce) {
  for (int size = 1; size <= 33; ++size)
    for (const int64_t elements : {0, 1, 17, 100, 1000}) {
      std::vector<Values> values(static_cast<size_t>(size));
      for (size_t r = 0; r < values.size(); ++r)
        for (int64_t i = 0; i < elements; ++i)
          values[r].push_back(to_unit(random_word({r + 1, 7}, static_cast<uint64_t>(i))) - 0.3f);
      const Values expected = simulate(values, all_reduce(0))[0];
      std::vector<Values> scattered = simulate(values, plan_reduce_scatter);
      std::vector<int> owners(static_cast<size_t>(elements), 0);
      for (int rank = 0; rank < size; ++rank) {
        const Range part = part_of(rank, size, elements);
        Values& own = scattered[static_cast<size_t>(rank)];
        for (int64_t i = 0; i < elements; ++i) {
          const auto at = static_cast<size_t>(i);
          const bool is_own = i >= part.begin && i < part.end;
          if (is_own) ++owners[at];
          if (!is_own)
            own[at] = -1e9f;  // it must not be used any more
          else
            ASSERT_EQ(own[at], expected[at]) << "rank " << rank << " of " << size << ", " << i;
        }
      }
      ASSERT_EQ(std::count(owners.begin(), owners.end(), 1), elements);
      for (const Values& gathered : simulate(scattered, plan_gather_parts))
        ASSERT_TRUE(same_bits(gathered, expected)) << size << " ranks, " << elements;
    }
}

TEST(ExchangePlan, PartsOfAPowerOfTwoOfRanksAreEqual) {
  for (int rank = 0; rank < 8; ++rank) EXPECT_EQ(part_of(rank, 8, 1 << 12).elements(), 1 << 9);
}

TEST(ExchangePlan, LargeOnesMoveTheLeastBytes) {
  const int64_t elements = 1 << 16;
  for (int size : {2, 4, 8, 16}) {
    for (int rank = 0; rank < size; ++rank) {
      int64_t sent = 0;
      for (const Exchange& step : plan_all_reduce(rank, size, elements, 64))
        sent += step.send.elements();
      EXPECT_EQ(sent, 2 * (elements - elements / size)) << size << " ranks";
    }
  }
}

TEST(ExchangePlan, SmallOnesTakeTheFewestMessages) {
  EXPECT_EQ(plan_all_reduce(3, 8, 4, 64).size(), 3u);
  EXPECT_EQ(plan_all_reduce(0, 8, 4, 64)[0].partner, 1) << "the neighbour first";
  EXPECT_TRUE(plan_all_reduce(0, 1, 4, 64).empty());
}

TEST(Sum, AddsEachTypeAndWrapsIntegers) {
  const std::vector<int64_t> a = {INT64_MAX, 5}, b = {1, -7};
  std::vector<int64_t> sum(2);
  add_elements(DType::i64, sum.data(), a.data(), b.data(), 2);
  EXPECT_EQ(sum, (std::vector<int64_t>{INT64_MIN, -2}));
  std::vector<double> c = {0.1, 1e300};
  add_elements(DType::f64, c.data(), c.data(), std::vector<double>{0.2, 1e284}.data(), 2);
  EXPECT_EQ(c[0], 0.1 + 0.2);
  EXPECT_EQ(c[1], 1e300 + 1e284);
}

}  // namespace
}  // namespace d2l
