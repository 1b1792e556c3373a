#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "framework/base/range.h"

namespace d2l {

// How MpiCommunicator divides a reduction.
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

// The first half of it, after which this rank has the sum of its part, with the same bits; the
// other elements are then undefined. A rank beyond a power of two gets half of its neighbour's
// part.
std::vector<Exchange> plan_reduce_scatter(int rank, int size, int64_t elements);
// The second half, after which every rank has the parts of all.
std::vector<Exchange> plan_gather_parts(int rank, int size, int64_t elements);
// The part of a rank. The parts of all ranks do not overlap and cover all elements.
Range part_of(int rank, int size, int64_t elements);
// The same of an array of f32 that is cut into pieces, each of which is reduced by itself: one part
// of each piece.
std::vector<Range> parts_of(int rank, int size, int64_t elements);

}  // namespace d2l
