#pragma once

#include "framework/backend/cpu/winograd_tiles.h"

namespace d2l::cpu::winograd {

// Transformed weights: for each of a tiling's points a matrix [depth, columns] in panels of 32
// columns (the last may have 16), each panel [depth, its columns].
struct PackedWeights {
  PackedWeights(int64_t points, int64_t rows, int64_t across)
      : depth(rows), columns(across), step(rows * across + 16), size(points * step) {}

  int64_t panel_width(int64_t column) const { return std::min<int64_t>(32, columns - column); }
  // Of panel columns [column, column + panel_width(column)), column a multiple of 32.
  int64_t panel(int point, int64_t column) const { return point * step + column * depth; }

  int64_t depth, columns, step, size;
};

// weight [o, k, k, c] -> depth c, columns o.
void pack_weights(const DirectConvolution& s, const Tiling& tiling, MemoryPool& pool,
                  const float* weight, float* packed);
// The same for the gradient of the input: taps turned around, depth o, columns c.
void pack_weights_turned(const DirectConvolution& s, const Tiling& tiling, const float* weight,
                         float* packed);
// The gradient of pack_weights: sums [points][c][o] with steps of `step` between points -> [o, k,
// k, c].
void unpack_gradients(const DirectConvolution& s, const Tiling& tiling, MemoryPool& pool,
                      const float* sums, int64_t step, float* grad_weight);

}  // namespace d2l::cpu::winograd
