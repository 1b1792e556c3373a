#pragma once

#include "framework/backend/cpu/winograd_tiles.h"

namespace d2l::cpu::winograd {

// Of 16 input by 16 output channels of the weights: memory on the way to or from their transforms.
inline int64_t square_size(const Tiling& tiling) {
  const int64_t taps = tiling.tile + 1 - tiling.side;
  return kLanes * kLanes * taps * taps;
}

enum class WeightUse { forward, backward_input };

// Transformed weights: for each of a tiling's points a matrix [depth, columns], made in panels of
// 32 columns (the last may have 16), which lie one behind the other: [points][depth, its columns].
struct WeightPanels {
  // Weights are [o, k, k, c]. Forward: depth c, columns o; for the gradient of the input taps are
  // turned around, depth o, columns c.
  WeightPanels(const DirectConvolution& s, const Tiling& tiles, WeightUse purpose,
               const float* weights);

  int64_t width(int64_t panel) const { return std::min(kWide, columns - panel * kWide); }
  // Between a panel's points; no power of two.
  int64_t step(int64_t panel) const { return depth * width(panel) + kLanes; }
  int64_t size() const { return tiling.points() * (depth * kWide + kLanes); }  // of a panel

  // Rows [begin, end), multiples of 16, of all points of a panel; square is memory for
  // square_size(tiling) numbers.
  void pack(int64_t panel, int64_t begin, int64_t end, float* square, float* to) const;

  static constexpr int64_t kWide = 2 * kLanes;
  const Tiling& tiling;
  WeightUse use;
  const float* weight;
  int64_t depth, columns, panels;
};

// Sums [points][count, width] of input channels [c, c + count) and output channels [o, o + width),
// all multiples of 16.
struct GradientBlock {
  int64_t c, count, o, width;
  int64_t step() const { return count * width + kLanes; }  // between points
};
// Writes the gradients of their weights; square is memory for square_size(tiling) numbers.
void unpack_gradients(const DirectConvolution& s, const Tiling& tiling, const GradientBlock& block,
                      const float* sums, float* square, float* grad_weight);

}  // namespace d2l::cpu::winograd
