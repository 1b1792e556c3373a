#pragma once

#include <algorithm>

#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/scratch.h"
#include "framework/backend/view.h"

// Rows [count, c] are treated as [count / r, r c], so that inner loops are long even with few
// channels. Sums are taken over pieces of rows that fit into the cache and are added in the order
// of the pieces, so the result does not depend on the number of threads.

namespace d2l::cpu {

struct NormRows {
  explicit NormRows(const Shape& shape)
      : channels(shape.size(-1)),
        wide((kWide + channels - 1) / channels * channels),
        count(shape.elements() / wide),
        rest(shape.elements() % wide) {}

  static constexpr int64_t kWide = 64;  // inner loops of about this many elements or more
  static constexpr int64_t kPieceElements = 1 << 14;

  int64_t repeats() const { return wide / channels; }
  int64_t grain() const { return std::max<int64_t>(1, kPieceElements / wide); }
  int64_t pieces() const { return std::max<int64_t>(1, (count + grain() - 1) / grain()); }

  int64_t channels, wide, count;  // count wide rows ...
  int64_t rest;                   // ... and this many elements after them
};

// wide[i] = narrow[i % channels]
inline void repeat(const NormRows& rows, const float* narrow, float* wide) {
  for (int64_t r = 0; r < rows.repeats(); ++r)
    std::copy(narrow, narrow + rows.channels, wide + r * rows.channels);
}

// Calls body(first element, rows, width, piece) for every piece. The elements after the last wide
// row form a row of their own, in the last piece.
template <class Body>
void for_pieces(const NormRows& rows, const Body& body) {
  parallel_for(rows.pieces(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      int64_t first = piece * rows.grain();
      int64_t count = std::min(rows.grain(), rows.count - first);
      if (count > 0) body(first * rows.wide, count, rows.wide, piece);
      if (piece == rows.pieces() - 1 && rows.rest > 0)
        body(rows.count * rows.wide, int64_t{1}, rows.rest, piece);
    }
  });
}

// Adds the partial sums of the pieces, per channel, in double precision.
inline void join(const NormRows& rows, const float* partial, double* sums) {
  std::fill(sums, sums + rows.channels, 0.0);
  for (int64_t i = 0; i < rows.pieces() * rows.repeats(); ++i)
    for (int64_t c = 0; c < rows.channels; ++c)
      sums[c] += static_cast<double>(partial[i * rows.channels + c]);
}

}  // namespace d2l::cpu
