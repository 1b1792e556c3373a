#include "framework/comm/exchange_plan.h"

#include <bit>

namespace d2l {

namespace {

// Where halves are cut: whole cache lines of f32.
constexpr int64_t kGrain = 16;

int64_t middle(Range range) {
  const int64_t half = range.elements() / 2;
  const int64_t rounded = (half + kGrain - 1) / kGrain * kGrain;
  return range.begin + (rounded < range.elements() ? rounded : half);
}

}  // namespace

std::vector<Exchange> plan_all_reduce(int rank, int size, int64_t elements,
                                      int64_t whole_elements) {
  std::vector<Exchange> plan;
  if (size == 1 || elements == 0) return plan;
  const Range everything{0, elements}, nothing{};
  const int core = static_cast<int>(std::bit_floor(static_cast<unsigned>(size)));
  const int folded = size - core;  // pairs (0, 1), (2, 3), ... of which the even one stays
  const bool in_pair = rank < 2 * folded;
  if (in_pair && rank % 2 == 1)
    return {{rank - 1, everything, nothing, false}, {rank - 1, nothing, everything, false}};
  if (in_pair) plan.push_back({rank + 1, nothing, everything, true});

  const int place = in_pair ? rank / 2 : rank - folded;
  auto rank_at = [&](int at) { return at < folded ? 2 * at : at + folded; };
  if (elements <= whole_elements) {
    for (int bit = 1; bit < core; bit *= 2)
      plan.push_back({rank_at(place ^ bit), everything, everything, true});
  } else {
    std::vector<Exchange> back;
    Range mine = everything;
    for (int bit = 1; bit < core; bit *= 2) {
      const int64_t cut = middle(mine);
      const Range lower{mine.begin, cut}, upper{cut, mine.end};
      mine = place & bit ? upper : lower;
      const Range theirs = place & bit ? lower : upper;
      plan.push_back({rank_at(place ^ bit), theirs, mine, true});
      back.push_back({rank_at(place ^ bit), mine, theirs, false});
    }
    plan.insert(plan.end(), back.rbegin(), back.rend());
  }
  if (in_pair) plan.push_back({rank + 1, everything, nothing, false});
  return plan;
}

}  // namespace d2l
