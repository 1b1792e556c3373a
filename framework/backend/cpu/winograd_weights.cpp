#include "framework/backend/cpu/winograd_weights.h"

#include "framework/backend/cpu/small_products.h"
#include "framework/base/simd.h"

namespace d2l::cpu::winograd {
namespace {

constexpr int64_t kSquare = kLanes * kLanes;  // 16 input by 16 output channels of one tap

// Columns of a panel, `column` of the matrix being the first: 16 of all rows [begin, end).
struct Part {
  int64_t column, begin, end;
  int64_t row, step;  // to the next row and to the next point
};

template <class S>
D2L_SIMD void pack_forward(S, const WeightPanels& from, const Part& part, float* square,
                           float* to) {
  constexpr int kAll = S::kTaps * S::kTaps;
  const int64_t in = from.depth;
  const float* weight = from.weight + part.column * kAll * in;
  for (int64_t c = part.begin; c < part.end; c += kLanes) {
    for (int tap = 0; tap < kAll; ++tap)
      transpose({.rows = kLanes,
                 .columns = kLanes,
                 .from = weight + tap * in + c,
                 .from_row = kAll * in,
                 .to = square + tap * kSquare,
                 .to_row = kLanes});
    // The next ones lie in pieces that are too short for the machine to see them coming.
    for (int64_t i = 0; i < kLanes * kAll; ++i) __builtin_prefetch(weight + i * in + c + kLanes);
    for (int64_t i = 0; i < kLanes; ++i) {
      float* row = to + (c + i) * part.row;
      transform_tile<S::kTaps, S::kSide, transform_weight<S>>(
          [&](int tap, Lanes16& value)
              D2L_INLINE { load(value, square + tap * kSquare + i * kLanes); },
          [&](int p, const Lanes16& value) D2L_INLINE { store(value, row + p * part.step); });
    }
  }
}

template <class S>
D2L_SIMD void pack_turned(S, const WeightPanels& from, const Part& part, float* to) {
  const int64_t in = from.columns;
  for (int64_t o = part.begin; o < part.end; ++o) {
    const float* last = from.weight + ((o + 1) * S::kTaps * S::kTaps - 1) * in + part.column;
    float* row = to + o * part.row;
    transform_tile<S::kTaps, S::kSide, transform_weight<S>>(
        [&](int tap, Lanes16& value) D2L_INLINE { load(value, last - tap * in); },
        [&](int p, const Lanes16& value) D2L_INLINE { store(value, row + p * part.step); });
  }
}

template <class S>
D2L_SIMD void unpack(S, const DirectConvolution& s, const GradientBlock& block, const float* sums,
                     float* square, float* grad_weight) {
  constexpr int kAll = S::kTaps * S::kTaps;
  for (int64_t o = 0; o < block.width; o += kLanes)
    for (int64_t c = 0; c < block.count; c += kLanes) {
      for (int64_t i = 0; i < kLanes; ++i) {
        const float* row = sums + (c + i) * block.width + o;
        transform_tile<S::kSide, S::kTaps, transform_weight_gradient<S>>(
            [&](int p, Lanes16& value) D2L_INLINE { load(value, row + p * block.step()); },
            [&](int tap, const Lanes16& value)
                D2L_INLINE { store(value, square + tap * kSquare + i * kLanes); });
      }
      for (int tap = 0; tap < kAll; ++tap)
        transpose({.rows = kLanes,
                   .columns = kLanes,
                   .from = square + tap * kSquare,
                   .from_row = kLanes,
                   .to = grad_weight + ((block.o + o) * kAll + tap) * s.in + block.c + c,
                   .to_row = kAll * s.in});
    }
}

}  // namespace

WeightPanels::WeightPanels(const DirectConvolution& s, const Tiling& tiles, WeightUse purpose,
                           const float* weights)
    : tiling(tiles),
      use(purpose),
      weight(weights),
      depth(use == WeightUse::forward ? s.in : s.out),
      columns(use == WeightUse::forward ? s.out : s.in),
      panels((columns + kWide - 1) / kWide) {}

void WeightPanels::pack(int64_t panel, int64_t begin, int64_t end, float* square, float* to) const {
  for (int64_t column = 0; column < width(panel); column += kLanes) {
    const Part part{panel * kWide + column, begin, end, width(panel), step(panel)};
    visit_scheme(tiling, [&](auto scheme) {
      if (use == WeightUse::forward)
        pack_forward(scheme, *this, part, square, to + column);
      else
        pack_turned(scheme, *this, part, to + column);
    });
  }
}

void unpack_gradients(const DirectConvolution& s, const Tiling& tiling, const GradientBlock& block,
                      const float* sums, float* square, float* grad_weight) {
  visit_scheme(tiling, [&](auto scheme) { unpack(scheme, s, block, sums, square, grad_weight); });
}

}  // namespace d2l::cpu::winograd
