#include "framework/backend/cpu/winograd_weights.h"

#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"
#include "framework/backend/cpu/winograd_tiles.h"

namespace d2l::cpu::winograd {
namespace {

constexpr int64_t kSquare = kLanes * kLanes;  // 16 input by 16 output channels of one tap

// A block of weights or of their sums at 16 output and 16 input channels.
struct Block {
  int64_t o, c, in;  // where it begins; all input channels
};

// Sums [points][c][o], with steps of `step` between points.
struct Sums {
  const float* data;
  int64_t outputs, step;
};

// Where column o of row 0 lies for point 0, and the step to the next row.
struct Place {
  Place(const PackedWeights& packed, int64_t column)
      : row(packed.panel_width(column / 32 * 32)),
        offset(packed.panel(0, column / 32 * 32) + column % 32) {}
  int64_t row, offset;
};

template <class S>
D2L_SIMD void pack_block(S, const float* weight, const Block& at, float* square,
                         const PackedWeights& to, float* packed) {
  for (int64_t o = 0; o < kLanes; ++o)
    for (int tap = 0; tap < S::kTaps * S::kTaps; ++tap) {
      const float* w = weight + ((at.o + o) * S::kTaps * S::kTaps + tap) * at.in + at.c;
      for (int64_t c = 0; c < kLanes; ++c) square[tap * kSquare + c * kLanes + o] = w[c];
    }
  const Place place(to, at.o);
  for (int64_t c = 0; c < kLanes; ++c) {
    float* row = packed + place.offset + (at.c + c) * place.row;
    transform_tile<S::kTaps, S::kSide, transform_weight<S>>(
        [&](int tap, Lanes16& value)
            D2L_INLINE { load(value, square + tap * kSquare + c * kLanes); },
        [&](int p, const Lanes16& value) D2L_INLINE { store(value, row + p * to.step); });
  }
}

template <class S>
D2L_SIMD void pack_turned_block(S, const float* weight, const Block& at, const PackedWeights& to,
                                float* packed) {
  const Place place(to, at.c);
  for (int64_t o = at.o; o < at.o + kLanes; ++o) {
    const float* last = weight + ((o + 1) * S::kTaps * S::kTaps - 1) * at.in + at.c;
    float* row = packed + place.offset + o * place.row;
    transform_tile<S::kTaps, S::kSide, transform_weight<S>>(
        [&](int tap, Lanes16& value) D2L_INLINE { load(value, last - tap * at.in); },
        [&](int p, const Lanes16& value) D2L_INLINE { store(value, row + p * to.step); });
  }
}

template <class S>
D2L_SIMD void unpack_block(S, const Sums& sums, const Block& at, float* square,
                           float* grad_weight) {
  for (int64_t c = 0; c < kLanes; ++c) {
    const float* row = sums.data + (at.c + c) * sums.outputs + at.o;
    transform_tile<S::kSide, S::kTaps, transform_weight_gradient<S>>(
        [&](int p, Lanes16& value) D2L_INLINE { load(value, row + p * sums.step); },
        [&](int tap, const Lanes16& value)
            D2L_INLINE { store(value, square + tap * kSquare + c * kLanes); });
  }
  for (int64_t o = 0; o < kLanes; ++o)
    for (int tap = 0; tap < S::kTaps * S::kTaps; ++tap) {
      float* w = grad_weight + ((at.o + o) * S::kTaps * S::kTaps + tap) * at.in + at.c;
      for (int64_t c = 0; c < kLanes; ++c) w[c] = square[tap * kSquare + c * kLanes + o];
    }
}

// Calls body(block) for all blocks of 16 by 16 channels.
template <class Body>
void for_blocks(const DirectConvolution& s, const Body& body) {
  const int64_t wide = s.in / kLanes, blocks = s.out / kLanes * wide;
  parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      body(Block{.o = i / wide * kLanes, .c = i % wide * kLanes, .in = s.in});
  });
}

}  // namespace

void pack_weights(const DirectConvolution& s, const Tiling& tiling, MemoryPool& pool,
                  const float* weight, float* packed) {
  const PackedWeights to(tiling.points(), s.in, s.out);
  PerThread<float> square(pool, kSquare * s.kernel_height * s.kernel_width);
  for_blocks(s, [&](const Block& at) {
    visit_scheme(tiling,
                 [&](auto scheme) { pack_block(scheme, weight, at, square.mine(), to, packed); });
  });
}

void pack_weights_turned(const DirectConvolution& s, const Tiling& tiling, const float* weight,
                         float* packed) {
  const PackedWeights to(tiling.points(), s.out, s.in);
  for_blocks(s, [&](const Block& at) {
    visit_scheme(tiling, [&](auto scheme) { pack_turned_block(scheme, weight, at, to, packed); });
  });
}

void unpack_gradients(const DirectConvolution& s, const Tiling& tiling, MemoryPool& pool,
                      const float* sums, int64_t step, float* grad_weight) {
  PerThread<float> square(pool, kSquare * s.kernel_height * s.kernel_width);
  const Sums from{sums, s.out, step};
  for_blocks(s, [&](const Block& at) {
    visit_scheme(tiling,
                 [&](auto scheme) { unpack_block(scheme, from, at, square.mine(), grad_weight); });
  });
}

}  // namespace d2l::cpu::winograd
