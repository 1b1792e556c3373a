#include "framework/comm/exchange_plan.h"

#include <algorithm>
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

// The largest power of two of ranks, the core, exchange halves. The ranks beyond it form pairs
// (0, 1), (2, 3), ..., of which only the even one belongs to the core.
struct Places {
  Places(int rank, int size)
      : core(static_cast<int>(std::bit_floor(static_cast<unsigned>(size)))), folded(size - core) {
    in_pair = rank < 2 * folded;
    is_outside = in_pair && rank % 2 == 1;
    place = in_pair ? rank / 2 : rank - folded;
  }
  int rank_at(int at) const { return at < folded ? 2 * at : at + folded; }

  int core, folded;
  int place = 0;  // in the core; that of its partner for a rank outside
  bool in_pair = false, is_outside = false;
};

// A rank of the core keeps one half in each exchange.
struct Halving {
  Range mine;  // at the end
  std::vector<Exchange> reduce;
};

Halving halve(const Places& places, int64_t elements) {
  Halving found{.mine = {0, elements}, .reduce = {}};
  for (int bit = 1; bit < places.core; bit *= 2) {
    const int64_t cut = middle(found.mine);
    const Range lower{found.mine.begin, cut}, upper{cut, found.mine.end};
    const bool is_upper = (places.place & bit) != 0;
    found.mine = is_upper ? upper : lower;
    const Range theirs = is_upper ? lower : upper;
    const int partner = places.rank_at(places.place ^ bit);
    found.reduce.push_back({partner, theirs, found.mine, true});
  }
  return found;
}

// Gathers what these exchanges have scattered.
std::vector<Exchange> way_back(const std::vector<Exchange>& plan) {
  std::vector<Exchange> back;
  for (auto step = plan.rbegin(); step != plan.rend(); ++step)
    back.push_back({step->partner, step->receive, step->send, false});
  return back;
}

// The halves of a part that a rank of the core shares with the rank beside it.
Range kept_half(Range part) { return {part.begin, middle(part)}; }
Range given_half(Range part) { return {middle(part), part.end}; }

}  // namespace

std::vector<Exchange> plan_all_reduce(int rank, int size, int64_t elements,
                                      int64_t whole_elements) {
  std::vector<Exchange> plan;
  if (size == 1 || elements == 0) return plan;
  const Range everything{0, elements}, nothing{};
  const Places places(rank, size);
  if (places.is_outside)
    return {{rank - 1, everything, nothing, false}, {rank - 1, nothing, everything, false}};
  if (places.in_pair) plan.push_back({rank + 1, nothing, everything, true});
  if (elements <= whole_elements) {
    for (int bit = 1; bit < places.core; bit *= 2)
      plan.push_back({places.rank_at(places.place ^ bit), everything, everything, true});
  } else {
    const Halving halving = halve(places, elements);
    plan.insert(plan.end(), halving.reduce.begin(), halving.reduce.end());
    const std::vector<Exchange> gather = way_back(halving.reduce);
    plan.insert(plan.end(), gather.begin(), gather.end());
  }
  if (places.in_pair) plan.push_back({rank + 1, everything, nothing, false});
  return plan;
}

std::vector<Exchange> plan_reduce_scatter(int rank, int size, int64_t elements) {
  if (size == 1 || elements == 0) return {};
  const Range everything{0, elements}, nothing{};
  const Places places(rank, size);
  const Halving halving = halve(places, elements);
  const Range given = given_half(halving.mine);
  if (places.is_outside)
    return {{rank - 1, everything, nothing, false}, {rank - 1, nothing, given, false}};
  std::vector<Exchange> plan = halving.reduce;
  if (!places.in_pair) return plan;
  plan.insert(plan.begin(), {rank + 1, nothing, everything, true});
  plan.push_back({rank + 1, given, nothing, false});
  return plan;
}

std::vector<Exchange> plan_gather_parts(int rank, int size, int64_t elements) {
  return way_back(plan_reduce_scatter(rank, size, elements));
}

Range part_of(int rank, int size, int64_t elements) {
  const Places places(rank, size);
  const Range part = halve(places, elements).mine;
  if (!places.in_pair) return part;
  return places.is_outside ? given_half(part) : kept_half(part);
}

std::vector<Range> parts_of(int rank, int size, int64_t elements) {
  constexpr int64_t kMost = PieceRules::kBytes / static_cast<int64_t>(sizeof(float));
  std::vector<Range> found;
  for (int64_t begin = 0; begin < elements; begin += kMost) {
    const Range part = part_of(rank, size, std::min(kMost, elements - begin));
    if (part.elements() > 0) found.push_back({begin + part.begin, begin + part.end});
  }
  return found;
}

}  // namespace d2l
