#include <algorithm>
#include <utility>

#include "framework/backend/cpu/activate.h"
#include "framework/backend/cpu/convolution/few_channels/few_channels.h"
#include "framework/backend/cpu/convolution/image_sums.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"

// A vector holds 16 output channels of one pixel. The sums of all taps of a row of the kernel stay
// in registers while the loop goes over the pixels of an image.

namespace d2l::cpu {
namespace {

constexpr int64_t kLanes = 16;

constexpr int kMostTaps = 30;  // of 32 registers

// The image in the kernels' layout: the image itself, or a copy in `memory`, which has a zero
// border.
template <class T>
const float* input_image(const ConvolutionShape& s, const T* x, float* memory) {
  if (!s.padded()) return as_floats(x, s.x_image(), memory);
  copy_into_padding(s, x, memory);
  return memory;
}
template <class T>
int64_t input_memory(const ConvolutionShape& s) {
  return s.padded() ? s.padded_height() * s.padded_width() * s.in : floats_beside<T>(s.x_image());
}

// --- forward: sums 16 channels of a few pixels, in one or two rows, in registers ---

constexpr int kWidth = 5;  // of the kernel; narrower ones share too few loads

// The last tile may overlap the one before, so widths near a multiple of the tile's are best.
struct Tile {
  int rows, pixels;
  bool fits(const ConvolutionShape& s) const {
    int64_t computed = (s.out_width + pixels - 1) / pixels * pixels;
    return s.out_height >= rows && s.out_width >= pixels && 8 * s.out_width >= 7 * computed;
  }
};
constexpr Tile kNarrow{2, 10}, kWide{1, 14};

// [o, ky, taps] -> [o / 16, ky, taps, 16]
void pack_weights(const ConvolutionShape& s, const float* weight, float* packed) {
  int64_t window = s.kernel_height * s.taps();
  for (int64_t o = 0; o < s.out; ++o)
    for (int64_t k = 0; k < window; ++k)
      packed[(o / kLanes * window + k) * kLanes + o % kLanes] = weight[o * window + k];
}

// Each input pixel is loaded once for all taps of a row that read it.
template <Tile kTile>
[[gnu::always_inline]] inline void forward_tile(const ConvolutionShape& s, const float* x,
                                                const float* weights, const float* bias, float* y) {
  constexpr int kRows = kTile.rows, kPixels = kTile.pixels;
  int64_t row = s.padded_width() * s.in, y_row = s.out_width * s.out;
  Lanes16 sum[kRows][kPixels];
  Lanes16 first{};
  if (bias != nullptr) load(first, bias);
#pragma GCC unroll 2
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int t = 0; t < kPixels; ++t) sum[r][t] = first;
  for (int64_t ky = 0; ky < s.kernel_height; ++ky, x += row, weights += s.taps() * kLanes)
    for (int64_t c = 0; c < s.in; ++c) {
      Lanes16 w[kWidth];
#pragma GCC unroll 8
      for (int kx = 0; kx < kWidth; ++kx) load(w[kx], weights + (kx * s.in + c) * kLanes);
#pragma GCC unroll 2
      for (int r = 0; r < kRows; ++r) {
        const float* at = x + r * row + c;
#pragma GCC unroll 20
        for (int j = 0; j < kPixels + kWidth - 1; ++j, at += s.in) {
          const Lanes16 value = Lanes16{} + *at;
#pragma GCC unroll 8
          for (int kx = 0; kx < kWidth; ++kx)
            if (j - kx >= 0 && j - kx < kPixels) sum[r][j - kx] += w[kx] * value;
        }
      }
    }
#pragma GCC unroll 2
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 16
    for (int t = 0; t < kPixels; ++t) store(sum[r][t], y + r * y_row + t * s.out);
}

template <Tile kTile>
[[gnu::always_inline]] inline void forward_tiles(const ConvolutionShape& s, const float* x,
                                                 const float* packed, const float* bias, float* y) {
  int64_t window = s.kernel_height * s.taps();
  for (int64_t o = 0; o < s.out; o += kLanes)
    for (int64_t i = 0; i < s.out_height; i += kTile.rows) {
      int64_t oy = std::min(i, s.out_height - kTile.rows);
      for (int64_t j = 0; j < s.out_width; j += kTile.pixels) {
        int64_t ox = std::min(j, s.out_width - kTile.pixels);
        forward_tile<kTile>(s, x + (oy * s.padded_width() + ox) * s.in, packed + o * window,
                            bias == nullptr ? nullptr : bias + o,
                            y + (oy * s.out_width + ox) * s.out + o);
      }
    }
}

D2L_SIMD void forward_image(const ConvolutionShape& s, const float* x, const float* packed,
                            const float* bias, float* y) {
  if (kWide.fits(s)) return forward_tiles<kWide>(s, x, packed, bias, y);
  forward_tiles<kNarrow>(s, x, packed, bias, y);
}

// --- weight gradient ---

template <int kTaps, class T>
[[gnu::always_inline]] inline void weight_tile(const ConvolutionShape& s, const float* x,
                                               const T* grad_y, float* sums) {
  Lanes16 sum[kTaps];
  for (int j = 0; j < kTaps; ++j) load(sum[j], sums + j * kLanes);
  for (int64_t oy = 0; oy < s.out_height; ++oy) {
    const float* at = x + oy * s.params.stride.height * s.padded_width() * s.in;
    for (int64_t ox = 0; ox < s.out_width; ++ox) {
      Lanes16 grad;
      load(grad, grad_y);
#pragma GCC unroll 32
      for (int j = 0; j < kTaps; ++j) sum[j] += grad * at[j];
      at += s.params.stride.width * s.in;
      grad_y += s.out;
    }
  }
  for (int j = 0; j < kTaps; ++j) store(sum[j], sums + j * kLanes);
}

// Adds the products of one image, 16 output channels and one row of the kernel.
template <int... kIndex, class T>
[[gnu::always_inline]] inline void weight_row(std::integer_sequence<int, kIndex...>,
                                              const ConvolutionShape& s, const float* x,
                                              const T* grad_y, float* sums) {
  ((s.taps() == kIndex + 1 ? weight_tile<kIndex + 1>(s, x, grad_y, sums) : void()), ...);
}

template <class T>
D2L_SIMD void weight_image(const ConvolutionShape& s, const float* x, const T* grad_y, float* sums,
                           float* bias_sums) {
  for (int64_t o = 0; o < s.out; o += kLanes) {
    for (int64_t ky = 0; ky < s.kernel_height; ++ky, sums += s.taps() * kLanes)
      weight_row(std::make_integer_sequence<int, kMostTaps>{}, s, x + ky * s.padded_width() * s.in,
                 grad_y + o, sums);
    Lanes16 sum;
    load(sum, bias_sums + o);
    for (int64_t i = 0; i < s.out_height * s.out_width; ++i) {
      Lanes16 grad;
      load(grad, grad_y + i * s.out + o);
      sum += grad;
    }
    store(sum, bias_sums + o);
  }
}

template <class T>
void forward_images(const ConvolutionShape& s, MemoryPool& pool, const T* x, const float* weight,
                    const float* bias, T* y) {
  Scratch<float> packed(pool, s.out * s.kernel_height * s.taps());
  PerThread<float> inputs(pool, input_memory<T>(s)), results(pool, floats_beside<T>(s.y_image()));
  inputs.clear();
  pack_weights(s, weight, packed.data());
  parallel_for(s.images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const float* image = input_image(s, x + n * s.x_image(), inputs.mine());
      T* stored = y + n * s.y_image();
      float* result = floats_for(stored, results.mine());
      forward_image(s, image, packed.data(), bias, result);
      activate(s.params.activation, result, s.y_image());
      store_floats(result, s.y_image(), stored);
    }
  });
}

template <class T>
void sum_gradients(const ConvolutionShape& s, MemoryPool& pool, const T* x, const T* grad_y,
                   float* grad_weight, float* grad_bias) {
  int64_t weights = s.out * s.kernel_height * s.taps();
  PerThread<float> inputs(pool, input_memory<T>(s));
  inputs.clear();
  auto add_image = [&](int64_t n, float* sums) {
    const float* image = input_image(s, x + n * s.x_image(), inputs.mine());
    weight_image(s, image, grad_y + n * s.y_image(), sums, sums + weights);
  };
  Scratch<float> sums = sum_over_images(s.images, pool, weights + s.out, add_image);
  unpack_sums(s, sums.data(), grad_weight, grad_bias);
}

}  // namespace

bool channels_forward_suits(const ConvolutionShape& s) {
  return has_wide_vectors() && s.unit_stride() && s.out % kLanes == 0 && s.out <= 32 && s.in <= 8 &&
         s.kernel_width == kWidth && (kWide.fits(s) || kNarrow.fits(s));
}

void channels_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                      const ForwardOperands& operands) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    forward_images(s, on.pool(), operands.x.as<T>(), operands.weight.as<float>(),
                   operands.bias.as<float>(), operands.y.as<T>());
  });
}

bool channels_backward_weight_suits(const ConvolutionShape& s) {
  return has_wide_vectors() && s.out % kLanes == 0 && s.in <= 8 && s.taps() <= kMostTaps;
}

void channels_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                              const WeightGradientOperands& operands) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    sum_gradients(s, on.pool(), operands.x.as<T>(), operands.grad_y.as<T>(),
                  operands.grad_weight.as<float>(), operands.grad_bias.as<float>());
  });
}

}  // namespace d2l::cpu
