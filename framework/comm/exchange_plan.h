#pragma once

#include <cstdint>
#include <vector>

namespace d2l {

// Elements [begin, end) of the memory that is reduced.
struct Range {
  int64_t begin = 0, end = 0;

  int64_t elements() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

// One exchange with one partner: `send` goes out while `receive` comes in; when both are through,
// what came is added to `receive` or replaces it. An empty range is not sent.
struct Exchange {
  int partner = 0;
  Range send, receive;
  bool add = false;
};

// What this rank exchanges, in this order, so that every rank ends with the sum over all ranks.
// The additions of an element form one fixed tree, and where two ranks add the same pair they add
// the lower rank's value first: hence the same bits everywhere. Up to `whole_elements` elements
// travel whole (recursive doubling: log2(size) messages); more are halved and doubled
// (Rabenseifner: twice the messages, the least bytes). Neighbouring ranks exchange the most, and
// they usually share a host. Ranks beyond a power of two hand their values to a neighbour first
// and get the result from it last.
std::vector<Exchange> plan_all_reduce(int rank, int size, int64_t elements, int64_t whole_elements);

}  // namespace d2l
