#include <immintrin.h>

#include "framework/backend/cpu/direct_convolution.h"
#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"

// A pair is one place of two images: the two factors of one lane of the instruction for bf16.

#if defined(__x86_64__)
#define D2L_PAIRS __attribute__((target("arch=x86-64-v4,avx512bf16")))
#else
#define D2L_PAIRS
#endif

namespace d2l::cpu {
namespace {

using Pair = uint32_t;
constexpr int64_t kLanes = 16, kRows = 8;  // input channels of a vector, output channels of a block
constexpr int64_t kGroup = 32, kProducts = 128;  // output channels and products for a core's L1
constexpr int64_t kCache = 1 << 20;              // bytes of the pairs that are worked on at a time

D2L_SIMD void interleave(const Bfloat16* first, const Bfloat16* second, int64_t count,
                         Pair* pairs) {
  const auto* low = reinterpret_cast<const uint16_t*>(first);
  const auto* high = reinterpret_cast<const uint16_t*>(second);
  for (int64_t i = 0; i < count; ++i) pairs[i] = low[i] | static_cast<Pair>(high[i]) << 16;
}

D2L_SIMD void interleave_with_nothing(const Bfloat16* first, int64_t count, Pair* pairs) {
  const auto* low = reinterpret_cast<const uint16_t*>(first);
  for (int64_t i = 0; i < count; ++i) pairs[i] = low[i];
}

// Images [first, first + 2 pairs), each of `size` elements; one that does not exist is zeros.
void interleave_images(const Bfloat16* images, int64_t size, int64_t first, int64_t last,
                       int64_t pairs, Pair* out) {
  constexpr int64_t kGrain = 4096;
  const int64_t pieces = (size + kGrain - 1) / kGrain;
  parallel_for(pairs * pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = first + i / pieces * 2, at = i % pieces * kGrain;
      const int64_t count = std::min(kGrain, size - at);
      const Bfloat16* from = images + image * size + at;
      Pair* to = out + i / pieces * size + at;
      if (image + 1 < last)
        interleave(from, from + size, count, to);
      else
        interleave_with_nothing(from, count, to);
    }
  });
}

// Where the factors of one product lie, in pixels of the pairs' memory.
struct Factors {
  int32_t x, y;
};

// All products of one tap of the kernel with pairs of images, in order.
int64_t list_factors(const DirectConvolution& s, int64_t tap, int64_t pairs, Factors* list) {
  const int64_t top = tap / s.kernel_width - s.params.padding.height;
  const int64_t left = tap % s.kernel_width - s.params.padding.width;
  Factors* next = list;
  for (int64_t pair = 0; pair < pairs; ++pair)
    for (int64_t y = 0; y < s.out_height; ++y) {
      const int64_t row = y * s.params.stride.height + top;
      if (row < 0 || row >= s.height) continue;
      for (int64_t x = 0; x < s.out_width; ++x) {
        const int64_t column = x * s.params.stride.width + left;
        if (column < 0 || column >= s.width) continue;
        *next++ = {static_cast<int32_t>((pair * s.height + row) * s.width + column),
                   static_cast<int32_t>((pair * s.out_height + y) * s.out_width + x)};
      }
    }
  return next - list;
}

struct Operands {
  const Pair* x;  // pixels of `in` channels, from the block's first on
  const Pair* y;  // pixels of `out` channels
  int64_t in, out;
  const Factors* list;
  int64_t count;
  float* sums;  // [kRows, 16 kVectors], rows `step` apart
  int64_t step;
};

#if defined(__x86_64__)
// kRows output channels and 16 kVectors input channels of one tap; adds to the sums when `add`.
template <int kVectors>
D2L_PAIRS void multiply_block(const Operands& p, bool add) {
  __m512 sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_setzero_ps();
  for (int64_t k = 0; k < p.count; ++k) {
    const Pair* x = p.x + p.list[k].x * p.in;
    const Pair* y = p.y + p.list[k].y * p.out;
    __m512bh row[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      row[v] = reinterpret_cast<__m512bh>(_mm512_loadu_si512(x + v * kLanes));
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const auto factor = reinterpret_cast<__m512bh>(_mm512_set1_epi32(static_cast<int>(y[r])));
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], factor, row[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      float* to = p.sums + r * p.step + v * kLanes;
      _mm512_storeu_ps(to, add ? _mm512_add_ps(_mm512_loadu_ps(to), sum[r][v]) : sum[r][v]);
    }
}
#else
template <int kVectors>
void multiply_block(const Operands&, bool) {}
#endif

D2L_SIMD void add_bias(const Bfloat16* grad_y, int64_t pixels, int64_t out, float* bias) {
  Lanes16 sum{};
  for (int64_t i = 0; i < pixels; ++i) {
    Lanes16 value;
    load(value, grad_y + i * out);
    sum += value;
  }
  store(sum, bias);
}

}  // namespace

bool pairs_suit(const DirectConvolution& s) {
#if defined(__x86_64__)
  static const bool possible = has_wide_vectors() && __builtin_cpu_supports("avx512bf16");
  // Kernels of 1 x 1 use each pair once: weaving large images costs more than it saves.
  const bool pays = s.kernel_height * s.kernel_width > 1 || s.height * s.width <= 64;
  return possible && pays && s.in % kLanes == 0 && s.out % kLanes == 0;
#else
  return false;
#endif
}

void pairs_backward_weight(const DirectConvolution& s, MemoryPool& pool, const Bfloat16* x,
                           const Bfloat16* grad_y, float* grad_weight, float* grad_bias) {
  const int64_t all = (s.images + 1) / 2, taps = s.kernel_height * s.kernel_width;
  const int64_t pair_bytes = static_cast<int64_t>(sizeof(Pair)) * (s.x_image() + s.y_image());
  const int64_t most = std::clamp<int64_t>(kCache / pair_bytes, 1, all);
  const int64_t products = most * s.out_height * s.out_width;
  Scratch<Pair> pairs_x(pool, most * s.x_image()), pairs_y(pool, most * s.y_image());
  Scratch<Factors> lists(pool, taps * products);
  Scratch<int64_t> counts(pool, taps);  // of products with one pair of images
  parallel_for(taps, 1, [&](int64_t tap, int64_t) {
    counts.data()[tap] = list_factors(s, tap, most, lists.data() + tap * products) / most;
  });
  const int64_t panels = (s.in + 2 * kLanes - 1) / (2 * kLanes);
  const int64_t groups = (s.out + kGroup - 1) / kGroup;
  for (int64_t pair = 0; pair < all; pair += most) {
    const int64_t pairs = std::min(most, all - pair);
    interleave_images(x, s.x_image(), 2 * pair, s.images, pairs, pairs_x.data());
    interleave_images(grad_y, s.y_image(), 2 * pair, s.images, pairs, pairs_y.data());
    parallel_for(taps * panels * groups, 1, [&](int64_t item, int64_t) {
      const int64_t tap = item / (panels * groups), c = item / groups % panels * 2 * kLanes;
      const int64_t first = item % groups * kGroup, last = std::min(first + kGroup, s.out);
      const int64_t count = counts.data()[tap] * pairs;
      for (int64_t k = 0; k == 0 || k < count; k += kProducts)
        for (int64_t o = first; o < last; o += kRows) {
          const Operands operands{.x = pairs_x.data() + c,
                                  .y = pairs_y.data() + o,
                                  .in = s.in,
                                  .out = s.out,
                                  .list = lists.data() + tap * products + k,
                                  .count = std::min(kProducts, count - k),
                                  .sums = grad_weight + (o * taps + tap) * s.in + c,
                                  .step = taps * s.in};
          const bool add = pair > 0 || k > 0;
          s.in - c >= 2 * kLanes ? multiply_block<2>(operands, add)
                                 : multiply_block<1>(operands, add);
        }
    });
  }
  if (grad_bias != nullptr)
    parallel_for(s.out / kLanes, 1, [&](int64_t i, int64_t) {
      add_bias(grad_y + i * kLanes, s.images * s.out_height * s.out_width, s.out,
               grad_bias + i * kLanes);
    });
}

}  // namespace d2l::cpu
