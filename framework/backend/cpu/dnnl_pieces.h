#pragma once

#include <cstdint>
#include <vector>

#include "framework/backend/cpu/dnnl_cache.h"

// oneDNN's results depend on the number of its threads. Where they must not, operations are divided
// into pieces by their shapes alone, and each piece is computed on one thread.

namespace d2l::cpu {

// Items [begin, end) of an operation.
struct PieceOfItems {
  int64_t begin = 0, end = 0;

  int64_t count() const { return end - begin; }
};

// Divides `items` into at most `most` pieces of at least `fewest` items, a multiple of `grain`. The
// last piece may be smaller. One piece unless state.computes_pieces().
struct PieceSizes {
  int64_t most = 16, fewest = 1, grain = 1;
};
std::vector<PieceOfItems> pieces_of(const DnnlState& state, int64_t items, const PieceSizes& sizes);

// A primitive and the memory that it works on.
struct DnnlWork {
  CachedPrimitive* primitive = nullptr;
  Pointers pointers = {};
};

// Runs all of them. If state.computes_pieces(), each on one thread of the team; otherwise one after
// the other, each on the whole team.
void run_pieces(DnnlState& state, const std::vector<DnnlWork>& works);

}  // namespace d2l::cpu
