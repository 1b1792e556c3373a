#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "framework/comm/gradient_reducer.h"
#include "tests/comm/mpi_main.h"
#include "tests/comm/raw_mpi.h"

namespace d2l {
namespace {

using namespace test;

std::vector<GradientReducer::Slot> random_slots(uint64_t seed, int64_t& elements) {
  std::vector<GradientReducer::Slot> slots;
  elements = 0;
  const uint64_t count = 1 + random_below({seed, 1}, 0, 40);
  for (uint64_t i = 1; i <= count; ++i) {
    const uint64_t most = i % 7 == 0 ? 200'000 : 3'000;
    const auto size = static_cast<int64_t>(random_below({seed, 1}, i, most));
    slots.push_back({elements, elements + size});
    elements += size;
  }
  return slots;
}

// Slots become ready in different orders on the ranks, and some never do.
TEST(GradientReducer, EqualsThePlainSumOverManySteps) {
  for (uint64_t seed = 0; seed < 25; ++seed) {
    int64_t elements = 0;
    const auto slots = random_slots(seed, elements);
    std::vector<float> arena(static_cast<size_t>(elements));
    const auto limit = [&](uint64_t at) {
      return static_cast<int64_t>(1 + random_below({seed, 2}, at, 400'000));
    };
    GradientReducer reducer(comm(), view(arena), slots,
                            {.sizes = {.first_bytes = limit(0), .bytes = limit(1)}});
    for (uint64_t step = 0; step < 3; ++step) {
      const auto mine = whole_numbers<float>(session().rank(), step, elements);
      std::copy(mine.begin(), mine.end(), arena.begin());
      std::vector<int> order(slots.size());
      std::iota(order.begin(), order.end(), 0);
      const RngKey key{seed * 100 + static_cast<uint64_t>(session().rank()), step};
      for (size_t i = order.size(); i > 1; --i)
        std::swap(order[i - 1], order[random_below(key, i, i)]);
      if (step == 1) order.resize(order.size() / 2);
      for (int slot : order) reducer.ready(slot);
      reducer.finish();
      ASSERT_EQ(arena, raw_all_reduce(mine)) << "seed " << seed << ", step " << step;
    }
  }
}

}  // namespace
}  // namespace d2l
