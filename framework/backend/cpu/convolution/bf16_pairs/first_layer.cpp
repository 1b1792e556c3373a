#include <array>
#include <utility>

#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/convolution/bf16_pairs/bf16_pairs.h"
#include "framework/backend/cpu/convolution/bf16_pairs/pairs.h"
#include "framework/backend/cpu/convolution/image_sums.h"
#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"

// First layers: images of 1 to 4 channels, where a row of the kernel reads adjacent memory.
// Forward, a pair is two adjacent taps. In the gradient, a pair is two adjacent results, with the
// two elements of the image that one tap multiplies with them. Lanes are output channels.

namespace d2l::cpu {
namespace {

constexpr int64_t kMostVectors = 4;  // of output channels per block
constexpr int64_t kMostInputs = 4;
constexpr int kMostTaps = 12;  // of one row of the kernel per block

// Pixels per block for a number of vectors: the sums take at most 24 of 32 registers.
constexpr int pixels_of(int vectors) { return vectors == 4 ? 6 : vectors == 3 ? 8 : 12; }

int64_t row_of(const ConvolutionShape& s) { return s.padded_width() * s.in; }
int64_t step_of(const ConvolutionShape& s) { return s.params.stride.width * s.in; }
int64_t pairs_of(const ConvolutionShape& s) { return (s.taps() + 1) / 2; }
int64_t result_pairs(const ConvolutionShape& s) { return (s.out_width + 1) / 2; }

// How many of the `left` vectors form the next block.
int64_t block_of(int64_t left) {
  return left % 4 == 0 ? 4 : left % 3 == 0 ? 3 : std::min<int64_t>(left, 2);
}

// [o, ky, taps] -> [block of o, ky, pairs of taps, o]; an odd last tap is paired with zero.
void pack_weights(const ConvolutionShape& s, const float* weight, Pair* packed) {
  const int64_t row = pairs_of(s);
  for (int64_t o = 0; o < s.out;) {
    const int64_t lanes = block_of((s.out - o) / kPairLanes) * kPairLanes;
    for (int64_t lane = 0; lane < lanes; ++lane)
      for (int64_t k = 0; k < s.kernel_height * row; ++k) {
        const float* from = weight + (o + lane) * s.kernel_height * s.taps() + k / row * s.taps();
        const int64_t tap = k % row * 2;
        packed[k * lanes + lane] = pair_of(from[tap], tap + 1 < s.taps() ? from[tap + 1] : 0.0f);
      }
    o += lanes;
    packed += s.kernel_height * row * lanes;
  }
}

#if defined(__x86_64__)

template <int kVectors>
D2L_PAIRS void forward_block(const ConvolutionShape& s, const Bfloat16* x, const Pair* weights,
                             const float* bias, Bfloat16* y) {
  constexpr int kPixels = pixels_of(kVectors);
  const int64_t step = step_of(s), row = row_of(s), pairs = pairs_of(s);
  __m512 sum[kPixels][kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const __m512 first = bias ? _mm512_loadu_ps(bias + v * kPairLanes) : _mm512_setzero_ps();
#pragma GCC unroll 12
    for (int p = 0; p < kPixels; ++p) sum[p][v] = first;
  }
  for (int64_t ky = 0; ky < s.kernel_height; ++ky, x += row)
    for (int64_t k = 0; k < pairs; ++k, weights += kVectors * kPairLanes) {
      __m512bh weight[kVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) weight[v] = load_pairs(weights + v * kPairLanes);
#pragma GCC unroll 12
      for (int p = 0; p < kPixels; ++p) {
        const __m512bh value = broadcast_pair(x + p * step + 2 * k);
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v)
          sum[p][v] = _mm512_dpbf16_ps(sum[p][v], value, weight[v]);
      }
    }
  const __m512 smallest = _mm512_set1_ps(smallest_of(s.params.activation));
#pragma GCC unroll 12
  for (int p = 0; p < kPixels; ++p)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v)
      store_at_least(smallest, sum[p][v], y + p * s.out + v * kPairLanes);
}

// All pixels of one image and a block of output channels. The last tile of a row may overlap the
// one before.
template <int kVectors>
D2L_PAIRS void forward_blocks(const ConvolutionShape& s, const Bfloat16* x, const Pair* weights,
                              const float* bias, Bfloat16* y) {
  constexpr int64_t kPixels = pixels_of(kVectors);
  for (int64_t oy = 0; oy < s.out_height; ++oy)
    for (int64_t i = 0; i < s.out_width; i += kPixels) {
      const int64_t ox = std::min(i, s.out_width - kPixels);
      forward_block<kVectors>(s, x + oy * s.params.stride.height * row_of(s) + ox * step_of(s),
                              weights, bias, y + (oy * s.out_width + ox) * s.out);
    }
}

// Adds the products of one image. `taps` points to the first of kTaps pairs of elements of the
// image, `grad_y` to the panels of 16 kVectors output channels, which are `panel` elements apart.
template <int kVectors, int kTaps>
D2L_PAIRS void weight_block(const ConvolutionShape& s, const Pair* taps, const Pair* grad_y,
                            int64_t panel, float* sums, int64_t sums_step) {
  const int64_t pairs = result_pairs(s);
  __m512 sum[kTaps][kVectors];
#pragma GCC unroll 12
  for (int t = 0; t < kTaps; ++t)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      sum[t][v] = _mm512_loadu_ps(sums + v * sums_step + t * kPairLanes);
  for (int64_t oy = 0; oy < s.out_height; ++oy) {
    const Pair* at = taps + oy * s.params.stride.height * row_of(s);
    for (int64_t i = 0; i < pairs; ++i, at += 2 * step_of(s), grad_y += kPairLanes) {
      __m512bh grad[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) grad[v] = load_pairs(grad_y + v * panel);
#pragma GCC unroll 12
      for (int t = 0; t < kTaps; ++t) {
        const __m512bh value = broadcast_pair(at + t);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) sum[t][v] = _mm512_dpbf16_ps(sum[t][v], value, grad[v]);
      }
    }
  }
#pragma GCC unroll 12
  for (int t = 0; t < kTaps; ++t)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v)
      _mm512_storeu_ps(sums + v * sums_step + t * kPairLanes, sum[t][v]);
}

#else

template <int kVectors>
void forward_blocks(const ConvolutionShape&, const Bfloat16*, const Pair*, const float*,
                    Bfloat16*) {}
template <int kVectors, int kTaps>
void weight_block(const ConvolutionShape&, const Pair*, const Pair*, int64_t, float*, int64_t) {}

#endif

void forward_image(const ConvolutionShape& s, const Bfloat16* x, const Pair* packed,
                   const float* bias, Bfloat16* y) {
  constexpr decltype(&forward_blocks<1>) kBlocks[kMostVectors] = {
      forward_blocks<1>, forward_blocks<2>, forward_blocks<3>, forward_blocks<4>};
  for (int64_t o = 0; o < s.out;) {
    const int64_t vectors = block_of((s.out - o) / kPairLanes);
    kBlocks[vectors - 1](s, x, packed, bias == nullptr ? nullptr : bias + o, y + o);
    o += vectors * kPairLanes;
    packed += s.kernel_height * pairs_of(s) * vectors * kPairLanes;
  }
}

template <int kVectors, int... kIndex>
constexpr auto weight_blocks(std::integer_sequence<int, kIndex...>) {
  return std::array{weight_block<kVectors, kIndex + 1>...};
}

// Pairs every element of an image with the element at the same position in the next result's
// window.
D2L_SIMD void pair_elements(const Bfloat16* x, int64_t step, int64_t count, Pair* pairs) {
  const auto* bits = reinterpret_cast<const uint16_t*>(x);
  for (int64_t i = 0; i < count; ++i) pairs[i] = bits[i] | static_cast<Pair>(bits[i + step]) << 16;
}

// Pairs adjacent results of each row of an image; an odd last one is paired with zeros.
void pair_results(const ConvolutionShape& s, const Bfloat16* grad_y, const Bfloat16* zeros,
                  const Pairs& pairs) {
  const int64_t both = s.out_width / 2, all = result_pairs(s);
  for (int64_t oy = 0; oy < s.out_height; ++oy, grad_y += s.out_width * s.out) {
    interleave({grad_y, 2 * s.out}, {grad_y + s.out, 2 * s.out}, both, pairs, oy * all);
    if (all > both)
      interleave({grad_y + 2 * both * s.out, 0}, {zeros, 0}, 1, pairs, oy * all + both);
  }
}

// Adds one image's products to sums [o / 16, ky, taps, 16].
void weight_image(const ConvolutionShape& s, const Pair* x, const Pairs& grad_y, float* sums) {
  constexpr auto kSingle = weight_blocks<1>(std::make_integer_sequence<int, kMostTaps>{});
  constexpr auto kDouble = weight_blocks<2>(std::make_integer_sequence<int, kMostTaps>{});
  const int64_t window = s.kernel_height * s.taps();
  for (int64_t o = 0; o < s.out;) {
    const int64_t lanes = std::min(2 * kPairLanes, s.out - o);
    for (int64_t k = 0; k < window;) {
      const int64_t ky = k / s.taps(), tap = k % s.taps();
      const int64_t taps = std::min<int64_t>(kMostTaps, s.taps() - tap);
      const auto& blocks = lanes > kPairLanes ? kDouble : kSingle;
      blocks[static_cast<size_t>(taps - 1)](
          s, x + ky * row_of(s) + tap, grad_y.panel(o), grad_y.pixels * kPairLanes,
          sums + o * window + k * kPairLanes, window * kPairLanes);
      k += taps;
    }
    o += lanes;
  }
}

}  // namespace

bool first_layer_forward_suits(const ConvolutionShape& s) {
  return first_layer_backward_weight_suits(s) && clamps(s.params.activation);
}

void first_layer_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                         const ForwardOperands& operands) {
  const Bfloat16* x = operands.x.as<Bfloat16>();
  Bfloat16* y = operands.y.as<Bfloat16>();
  MemoryPool& pool = on.pool();
  Scratch<Pair> packed(pool, s.out * s.kernel_height * pairs_of(s));
  PerThread<Bfloat16> padded(pool, s.padded_height() * row_of(s));
  padded.clear();
  pack_weights(s, operands.weight.as<float>(), packed.data());
  parallel_for(s.images, 1, [&](int64_t n, int64_t) {
    copy_into_padding(s, x + n * s.x_image(), padded.mine());
    forward_image(s, padded.mine(), packed.data(), operands.bias.as<float>(), y + n * s.y_image());
  });
}

bool first_layer_backward_weight_suits(const ConvolutionShape& s) {
  return s.dtype == DType::bf16 && bf16_products() != Bf16Products::f32 && s.in <= kMostInputs &&
         s.out % kPairLanes == 0 && s.out_width >= pixels_of(1);
}

void first_layer_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                                 const WeightGradientOperands& operands) {
  const Bfloat16* x = operands.x.as<Bfloat16>();
  const Bfloat16* grad_y = operands.grad_y.as<Bfloat16>();
  MemoryPool& pool = on.pool();
  const int64_t weights = s.out * s.kernel_height * s.taps();
  const int64_t elements = s.padded_height() * row_of(s);
  const int64_t pixels = s.out_height * result_pairs(s);
  PerThread<Bfloat16> padded(pool, elements + step_of(s));
  padded.clear();
  PerThread<Pair> pairs_x(pool, elements), pairs_y(pool, pixels * s.out);
  Scratch<Bfloat16> zeros(pool, s.out);
  std::fill_n(zeros.data(), s.out, Bfloat16{});
  auto add_image = [&](int64_t n, float* sums) {
    copy_into_padding(s, x + n * s.x_image(), padded.mine());
    pair_elements(padded.mine(), step_of(s), elements, pairs_x.mine());
    const Pairs results{s.out, pixels, pairs_y.mine()};
    pair_results(s, grad_y + n * s.y_image(), zeros.data(), results);
    weight_image(s, pairs_x.mine(), results, sums);
    for (int64_t o = 0; o < s.out; o += kPairLanes)
      add_pairs(results.panel(o), pixels, sums + weights + o);
  };
  const Scratch<float> sums = sum_over_images(s.images, pool, weights + s.out, add_image);
  unpack_sums(s, sums.data(), operands.grad_weight.as<float>(), operands.grad_bias.as<float>());
}

}  // namespace d2l::cpu
