#include "framework/backend/cpu/convolution/winograd/weights.h"

#include "framework/base/simd.h"

namespace d2l::cpu::winograd {
namespace {

constexpr int64_t kSquare = kLanes * kLanes;  // 16 input by 16 output channels of one tap

// 16 x 16 transpose: interleaves rows that are 8 apart, element by element, four times.
[[gnu::always_inline]] inline void transpose_square(const float* from, int64_t from_row, float* to,
                                                    int64_t to_row) {
  constexpr int kHalf = kLanes / 2;
  constexpr Lanes16i kLow{0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23};
  Lanes16 x[kLanes], y[kLanes];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) load(x[i], from + i * from_row);
#pragma GCC unroll 4
  for (int round = 0; round < 4; ++round) {
#pragma GCC unroll 8
    for (int i = 0; i < kHalf; ++i) {
      y[2 * i] = __builtin_shuffle(x[i], x[i + kHalf], kLow);
      y[2 * i + 1] = __builtin_shuffle(x[i], x[i + kHalf], kLow + kHalf);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) x[i] = y[i];
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) store(x[i], to + i * to_row);
}

// 16 columns of a panel, beginning with `column` of the matrix, and its rows [begin, end).
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
      transpose_square(weight + tap * in + c, kAll * in, square + tap * kSquare, kLanes);
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
D2L_SIMD void unpack(S, const ConvolutionShape& s, const GradientBlock& block, const float* sums,
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
        transpose_square(square + tap * kSquare, kLanes,
                         grad_weight + ((block.o + o) * kAll + tap) * s.in + block.c + c,
                         kAll * s.in);
    }
}

}  // namespace

WeightPanels::WeightPanels(const ConvolutionShape& s, const Tiling& tiles, WeightUse purpose,
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

void unpack_gradients(const ConvolutionShape& s, const Tiling& tiling, const GradientBlock& block,
                      const float* sums, float* square, float* grad_weight) {
  visit_scheme(tiling, [&](auto scheme) { unpack(scheme, s, block, sums, square, grad_weight); });
}

}  // namespace d2l::cpu::winograd
