#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "framework/backend/params.h"
#include "framework/base/bfloat16.h"

// The AVX-512 BF16 instruction vdpbf16ps multiplies two pairs of bf16 and adds both products to an
// f32 sum. Shared by the bf16 kernels: memory layouts in which the two factors of a lane are
// adjacent.

#if defined(__x86_64__)
#define D2L_PAIRS __attribute__((target("arch=x86-64-v4,avx512bf16")))
#else
#define D2L_PAIRS
#endif

namespace d2l::cpu {

using Pair = uint32_t;
constexpr int64_t kPairLanes = 16;

// Whether this machine has AVX-512 BF16.
bool has_pairs();

inline Pair pair_of(float low, float high) {
  return std::bit_cast<uint16_t>(Bfloat16(low)) |
         static_cast<Pair>(std::bit_cast<uint16_t>(Bfloat16(high))) << 16;
}

// Whether store_at_least() can apply the activation, which it does as a lower bound of the result.
inline bool clamps(Activation activation) {
  return activation == Activation::none || activation == Activation::relu;
}
inline float smallest_of(Activation activation) {
  return activation == Activation::relu ? 0.0f : -std::numeric_limits<float>::infinity();
}

#if defined(__x86_64__)
// 16 pairs.
D2L_PAIRS [[gnu::always_inline]] inline __m512bh load_pairs(const Pair* from) {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(from));
}
// Two adjacent numbers in memory, broadcast to all lanes.
D2L_PAIRS [[gnu::always_inline]] inline __m512bh broadcast_pair(const void* from) {
  int32_t pair;
  std::memcpy(&pair, from, sizeof pair);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
}
// Stores max(sums, smallest) of 16 sums, rounded to nearest; NaN stays NaN.
D2L_PAIRS [[gnu::always_inline]] inline void store_at_least(const __m512& smallest,
                                                            const __m512& sums, Bfloat16* to) {
  const __m512 value = _mm512_maskz_max_ps(0xffff, smallest, sums);  // NaN: second operand
  const __m256bh half = _mm512_cvtneps_pbh(value);
  std::memcpy(static_cast<void*>(to), &half, sizeof half);
}
#endif

// Pairs of pixels as [channels / kPairLanes, pixels, kPairLanes]; channels is a multiple of
// kPairLanes.
struct Pairs {
  int64_t channels, pixels;
  Pair* data;

  Pair* panel(int64_t channel) const { return data + channel * pixels; }
};

// Pixels with all their channels, `step` elements apart (0: always the same pixel).
struct PixelRow {
  const Bfloat16* data;
  int64_t step;
};

// Writes pairs [pixel, pixel + count) from the pixels of both rows.
void interleave(PixelRow first, PixelRow second, int64_t count, const Pairs& pairs, int64_t pixel);

// sums[channel] += both elements of `count` pairs, for the channels of one panel.
void add_pairs(const Pair* panel, int64_t count, float* sums);

}  // namespace d2l::cpu
