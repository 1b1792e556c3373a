#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace d2l {

// Elements [begin, end) of the memory that is reduced.
struct Range {
  int64_t begin = 0, end = 0;

  int64_t elements() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

// How MpiCommunicator divides an all-reduce.
struct PieceRules {
  // Large enough that a message's cost is its bytes, small enough to stay in a core's cache.
  static constexpr int64_t kBytes = 1 << 20;
  // Pieces under way at once: while one is added, the next one travels.
  static constexpr size_t kWindow = 4;
  // Pieces up to this size are sent whole: below it a message costs more than its bytes.
  static constexpr int64_t kWholeBytes = 8 << 10;
};

// One exchange with one partner: `send` is sent while data for `receive` arrive. When both are
// complete, the received data are added to `receive` or replace it. An empty range is not sent.
struct Exchange {
  int partner = 0;
  Range send, receive;
  bool add = false;
};

// The exchanges of this rank, in order, after which every rank has the sum over all ranks. The
// additions of an element form one fixed tree, and two ranks that add the same two numbers both
// add the lower rank's first, so all ranks get the same bits. Up to `whole_elements` elements are
// sent whole (recursive doubling: log2(size) messages); more are summed in halves, quarters and so
// on, and the sums are gathered in reverse order (Rabenseifner's algorithm: twice the messages, the
// fewest bytes). Neighbouring ranks exchange the most, since they usually share a host. Ranks
// beyond a power of two first send their values to a neighbour, and receive the result from it at
// the end.
std::vector<Exchange> plan_all_reduce(int rank, int size, int64_t elements, int64_t whole_elements);

}  // namespace d2l
