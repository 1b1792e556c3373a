#pragma once

#include "framework/backend/cpu/convolution/winograd/image_tiles.h"

namespace d2l::cpu::winograd {

// The size of a scratch buffer for 16 input by 16 output channels of the weights.
inline int64_t square_size(const Tiling& tiling) {
  return kLanes * kLanes * tiling.taps() * tiling.taps();
}

enum class WeightUse { forward, backward_input };

// Transformed weights: for each point of the tiling a matrix [depth, columns], packed in panels of
// 32 columns (the last may have 16). A panel is [points][depth, its columns].
struct WeightPanels {
  // Weights are [o, k, k, c]. Forward: depth is c, columns is o. For the gradient of the input the
  // taps are reversed, depth is o, columns is c.
  WeightPanels(const ConvolutionShape& s, const Tiling& tiles, WeightUse purpose,
               const float* weights);

  int64_t width(int64_t panel) const { return std::min(kWide, columns - panel * kWide); }
  // The distance between a panel's points; not a power of two.
  int64_t step(int64_t panel) const { return depth * width(panel) + kLanes; }
  int64_t size() const { return tiling.points() * (depth * kWide + kLanes); }  // of a panel

  // Packs rows [begin, end), multiples of 16, of all points of a panel. `square` is scratch memory
  // for square_size(tiling) numbers.
  void pack(int64_t panel, int64_t begin, int64_t end, float* square, float* to) const;

  // Prefetches one part of a panel's weights; there are as many parts as points. The weights are in
  // pieces too short for the hardware prefetcher. Always inlined, since compilers drop calls of
  // functions that only prefetch.
  [[gnu::always_inline]] void fetch(int64_t panel, int64_t part) const {
    const bool forward = use == WeightUse::forward;
    const int64_t taps = tiling.taps() * tiling.taps(), column = panel * kWide;
    const int64_t in = forward ? depth : columns;
    const int64_t pieces = taps * (forward ? width(panel) : depth);
    const int64_t size = forward ? depth : width(panel);
    const float* from = weight + (forward ? column * taps * in : column);
    const int64_t end = pieces * (part + 1) / tiling.points();
    for (int64_t i = pieces * part / tiling.points(); i < end; ++i)
      for (int64_t k = 0; k < size; k += kLanes) __builtin_prefetch(from + i * in + k, 0, 2);
  }

  static constexpr int64_t kWide = 2 * kLanes;
  const Tiling& tiling;
  WeightUse use;
  const float* weight;
  int64_t depth, columns, panels;
};

// Sums [points][count, width] for input channels [c, c + count) and output channels [o, o + width);
// all are multiples of 16.
struct GradientBlock {
  int64_t c, count, o, width;
  int64_t step() const { return count * width + kLanes; }  // between points
};
// Converts the sums to weight gradients. `square` is scratch memory for square_size(tiling)
// numbers.
void unpack_gradients(const ConvolutionShape& s, const Tiling& tiling, const GradientBlock& block,
                      const float* sums, float* square, float* grad_weight);

}  // namespace d2l::cpu::winograd
