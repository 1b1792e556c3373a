#include "framework/backend/cpu/convolution/bf16_pairs/pairs.h"

#include "framework/backend/cpu/lanes.h"

namespace d2l::cpu {

#if defined(__x86_64__)

namespace {

// Interleaves 32 channels of two pixels.
D2L_PAIRS void interleave_row(const Bfloat16* first, const Bfloat16* second, Pair* low,
                              Pair* high) {
  using Halves = uint16_t __attribute__((vector_size(64)));
  Halves a, b;
  load(a, first), load(b, second);
  store(__builtin_shufflevector(a, b, 0, 32, 1, 33, 2, 34, 3, 35, 4, 36, 5, 37, 6, 38, 7, 39, 8, 40,
                                9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47),
        low);
  store(__builtin_shufflevector(a, b, 16, 48, 17, 49, 18, 50, 19, 51, 20, 52, 21, 53, 22, 54, 23,
                                55, 24, 56, 25, 57, 26, 58, 27, 59, 28, 60, 29, 61, 30, 62, 31, 63),
        high);
}

D2L_PAIRS void interleave_half_row(const Bfloat16* first, const Bfloat16* second, Pair* pairs) {
  Lanes16h a, b;
  load(a, first), load(b, second);
  store(__builtin_convertvector(a, Lanes16u) | __builtin_convertvector(b, Lanes16u) << 16, pairs);
}

}  // namespace

bool has_pairs() {
  static const bool found = has_wide_vectors() && __builtin_cpu_supports("avx512bf16");
  return found;
}

D2L_PAIRS void interleave(PixelRow first, PixelRow second, int64_t count, const Pairs& pairs,
                          int64_t pixel) {
  for (int64_t i = pixel; i < pixel + count; ++i) {
    int64_t c = 0;
    for (; c + 2 * kPairLanes <= pairs.channels; c += 2 * kPairLanes)
      interleave_row(first.data + c, second.data + c, pairs.panel(c) + i * kPairLanes,
                     pairs.panel(c + kPairLanes) + i * kPairLanes);
    if (c < pairs.channels)
      interleave_half_row(first.data + c, second.data + c, pairs.panel(c) + i * kPairLanes);
    first.data += first.step, second.data += second.step;
  }
}

D2L_PAIRS void add_pairs(const Pair* panel, int64_t count, float* sums) {
  const auto ones = reinterpret_cast<__m512bh>(_mm512_set1_epi32(0x3f803f80));
  __m512 sum = _mm512_loadu_ps(sums);
  for (int64_t i = 0; i < count; ++i)
    sum = _mm512_dpbf16_ps(sum, load_pairs(panel + i * kPairLanes), ones);
  _mm512_storeu_ps(sums, sum);
}

#else

bool has_pairs() { return false; }
void interleave(PixelRow, PixelRow, int64_t, const Pairs&, int64_t) {}
void add_pairs(const Pair*, int64_t, float*) {}

#endif

}  // namespace d2l::cpu
