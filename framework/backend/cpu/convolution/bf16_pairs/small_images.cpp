#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/convolution/bf16_pairs/bf16_pairs.h"
#include "framework/backend/cpu/convolution/bf16_pairs/pairs.h"
#include "framework/backend/cpu/parallel.h"

// Small images: a block has the same position in several images, so that all use the same weights
// and nothing is multiplied by the padding. A pair is two adjacent channels; lanes are output
// channels.

namespace d2l::cpu {
namespace {

constexpr int kImages = 8, kVectors = 2;  // per block; its sums stay in registers
constexpr int64_t kPanel = kVectors * kPairLanes;

// An input pixel that contributes to an output pixel, and the tap of the kernel that connects them.
struct Factor {
  int32_t pixel, tap;
};

// One convolution: images [pixels, in] -> results [out_pixels, out] with weights
// [out / kPanel, taps, in / 2, kPanel] of pairs.
struct SmallConvolution {
  int64_t images, pixels, in, out_pixels, out, taps;
  const Bfloat16* x;
  const Pair* weights;
  const float* bias;  // or null
  float smallest;     // of a result
  Bfloat16* y;
};

// The factors of all output pixels; those of output i end at ends[i].
struct Factors {
  Factors(MemoryPool& pool, int64_t out_pixels, int64_t taps)
      : list(pool, out_pixels * taps), ends(pool, out_pixels) {}

  void add(int64_t pixel, int64_t tap) {
    list.data()[count++] = {static_cast<int32_t>(pixel), static_cast<int32_t>(tap)};
  }
  void end(int64_t output) { ends.data()[output] = count; }

  Scratch<Factor> list;
  Scratch<int64_t> ends;
  int64_t count = 0;
};

Factors forward_factors(const ConvolutionShape& s, MemoryPool& pool) {
  Factors factors(pool, s.out_height * s.out_width, s.kernel_height * s.kernel_width);
  for (int64_t output = 0; output < s.out_height * s.out_width; ++output) {
    for (int64_t tap = 0; tap < s.kernel_height * s.kernel_width; ++tap) {
      const int64_t y = output / s.out_width * s.params.stride.height - s.params.padding.height +
                        tap / s.kernel_width;
      const int64_t x = output % s.out_width * s.params.stride.width - s.params.padding.width +
                        tap % s.kernel_width;
      if (y >= 0 && y < s.height && x >= 0 && x < s.width) factors.add(y * s.width + x, tap);
    }
    factors.end(output);
  }
  return factors;
}

// The window position in which `tap` reads coordinate `at`; negative or too large if there is none.
int64_t window_of(int64_t at, int64_t tap, int64_t padding, int64_t stride) {
  const int64_t begin = at + padding - tap;
  return begin >= 0 && begin % stride == 0 ? begin / stride : -1;
}

Factors backward_factors(const ConvolutionShape& s, MemoryPool& pool) {
  Factors factors(pool, s.height * s.width, s.kernel_height * s.kernel_width);
  for (int64_t output = 0; output < s.height * s.width; ++output) {
    for (int64_t tap = 0; tap < s.kernel_height * s.kernel_width; ++tap) {
      const int64_t y = window_of(output / s.width, tap / s.kernel_width, s.params.padding.height,
                                  s.params.stride.height);
      const int64_t x = window_of(output % s.width, tap % s.kernel_width, s.params.padding.width,
                                  s.params.stride.width);
      if (y >= 0 && y < s.out_height && x >= 0 && x < s.out_width)
        factors.add(y * s.out_width + x, tap);
    }
    factors.end(output);
  }
  return factors;
}

// [o, taps, i] -> [o / kPanel, taps, i / 2, kPanel]
D2L_SIMD void pack_panel(const float* weight, int64_t taps, int64_t in, int64_t tap, Pair* packed) {
  constexpr int64_t kTile = 16;  // pairs: writes whole cache lines
  for (int64_t i = 0; i < in / 2; i += kTile)
    for (int64_t o = 0; o < kPanel; ++o) {
      const float* from = weight + (o * taps + tap) * in + 2 * i;
      Pair pairs[kTile];
      const int64_t count = std::min(kTile, in / 2 - i);
      for (int64_t k = 0; k < count; ++k) pairs[k] = pair_of(from[2 * k], from[2 * k + 1]);
      for (int64_t k = 0; k < count; ++k) packed[(i + k) * kPanel + o] = pairs[k];
    }
}

// [o, taps, i] -> [i / kPanel, taps, o / 2, kPanel]
D2L_SIMD void pack_turned_panel(const float* weight, int64_t taps, int64_t in, int64_t out,
                                int64_t tap, Pair* packed) {
  for (int64_t o = 0; o < out; o += 2) {
    const float* low = weight + (o * taps + tap) * in;
    const float* high = low + taps * in;
    for (int64_t i = 0; i < kPanel; ++i) packed[o / 2 * kPanel + i] = pair_of(low[i], high[i]);
  }
}

#if defined(__x86_64__)

// One output pixel of kImages images, kPanel channels.
D2L_PAIRS void multiply_block(const SmallConvolution& conv, const Factor* factors, int64_t count,
                              const Bfloat16* x, const Pair* weights, const float* bias,
                              Bfloat16* y) {
  const int64_t image = conv.pixels * conv.in, pairs = conv.in / 2;
  __m512 sum[kImages][kVectors];
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    const __m512 first = bias ? _mm512_loadu_ps(bias + v * kPairLanes) : _mm512_setzero_ps();
#pragma GCC unroll 8
    for (int n = 0; n < kImages; ++n) sum[n][v] = first;
  }
  for (int64_t f = 0; f < count; ++f) {
    const Bfloat16* from = x + factors[f].pixel * conv.in;
    const Pair* weight = weights + factors[f].tap * pairs * kPanel;
    for (int64_t k = 0; k < pairs; ++k, from += 2, weight += kPanel) {
      __m512bh row[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) row[v] = load_pairs(weight + v * kPairLanes);
#pragma GCC unroll 8
      for (int n = 0; n < kImages; ++n) {
        const __m512bh value = broadcast_pair(from + n * image);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sum[n][v] = _mm512_dpbf16_ps(sum[n][v], value, row[v]);
      }
    }
  }
  const __m512 smallest = _mm512_set1_ps(conv.smallest);
#pragma GCC unroll 8
  for (int n = 0; n < kImages; ++n)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      store_at_least(smallest, sum[n][v], y + n * conv.out_pixels * conv.out + v * kPairLanes);
}

#else
void multiply_block(const SmallConvolution&, const Factor*, int64_t, const Bfloat16*, const Pair*,
                    const float*, Bfloat16*) {}
#endif

// The last block of images may overlap the one before.
void run(const SmallConvolution& conv, const Factors& factors) {
  const int64_t panels = conv.out / kPanel;
  parallel_for(panels, 1, [&](int64_t panel, int64_t) {
    const Pair* weights = conv.weights + panel * conv.taps * conv.in / 2 * kPanel;
    for (int64_t output = 0; output < conv.out_pixels; ++output) {
      const int64_t begin = output > 0 ? factors.ends.data()[output - 1] : 0;
      for (int64_t i = 0; i < conv.images; i += kImages) {
        const int64_t n = std::min(i, conv.images - kImages);
        multiply_block(conv, factors.list.data() + begin, factors.ends.data()[output] - begin,
                       conv.x + n * conv.pixels * conv.in, weights,
                       conv.bias ? conv.bias + panel * kPanel : nullptr,
                       conv.y + (n * conv.out_pixels + output) * conv.out + panel * kPanel);
      }
    }
  });
}

// For larger images other kernels are faster.
bool small(const ConvolutionShape& s, int64_t from, int64_t to) {
  constexpr int64_t kMostOutputs = 36;
  return s.dtype == DType::bf16 && bf16_products() != Bf16Products::f32 && s.images >= kImages &&
         s.kernel_height * s.kernel_width > 1 && s.out_height * s.out_width <= kMostOutputs &&
         from % 2 == 0 && to % kPanel == 0;
}

}  // namespace

bool small_images_forward_suits(const ConvolutionShape& s) {
  return small(s, s.in, s.out) && clamps(s.params.activation);
}

void small_images_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                          const ForwardOperands& operands) {
  const auto* weight = operands.weight.as<float>();
  const int64_t taps = s.kernel_height * s.kernel_width;
  const int64_t panel = taps * s.in * kPanel;  // weights per panel
  Scratch<Pair> packed(on.pool(), taps * s.out * s.in / 2);
  parallel_for(s.out / kPanel * taps, 1, [&](int64_t i, int64_t) {
    pack_panel(weight + i / taps * panel, taps, s.in, i % taps,
               packed.data() + i * (s.in / 2) * kPanel);
  });
  run({.images = s.images,
       .pixels = s.height * s.width,
       .in = s.in,
       .out_pixels = s.out_height * s.out_width,
       .out = s.out,
       .taps = taps,
       .x = operands.x.as<Bfloat16>(),
       .weights = packed.data(),
       .bias = operands.bias.as<float>(),
       .smallest = smallest_of(s.params.activation),
       .y = operands.y.as<Bfloat16>()},
      forward_factors(s, on.pool()));
}

bool small_images_backward_input_suits(const ConvolutionShape& s) { return small(s, s.out, s.in); }

void small_images_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                                 const InputGradientOperands& operands) {
  const auto* weight = operands.weight.as<float>();
  const int64_t taps = s.kernel_height * s.kernel_width;
  Scratch<Pair> packed(on.pool(), taps * s.in * s.out / 2);
  parallel_for(s.in / kPanel * taps, 1, [&](int64_t i, int64_t) {
    pack_turned_panel(weight + i / taps * kPanel, taps, s.in, s.out, i % taps,
                      packed.data() + i * (s.out / 2) * kPanel);
  });
  run({.images = s.images,
       .pixels = s.out_height * s.out_width,
       .in = s.out,
       .out_pixels = s.height * s.width,
       .out = s.in,
       .taps = taps,
       .x = operands.grad_y.as<Bfloat16>(),
       .weights = packed.data(),
       .bias = nullptr,
       .smallest = smallest_of(Activation::none),
       .y = operands.grad_x.as<Bfloat16>()},
      backward_factors(s, on.pool()));
}

}  // namespace d2l::cpu
