#include <algorithm>
#include <numeric>

#include "framework/backend/cpu/activate.h"
#include "framework/backend/cpu/convolution/few_channels/pixel_planes.h"
#include "framework/backend/cpu/convolution/image_sums.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"

// Lanes are adjacent pixels. Images with one input channel have this layout in memory; the few
// output channels are interleaved and deinterleaved row by row (pixel_planes.h).

namespace d2l::cpu {
namespace {

// --- forward: sums two rows of up to 6 channels and 32 pixels in registers ---

constexpr int kForwardChannels = 6;

struct Planes {
  float* rows[2];  // [out][wide_row]
};

// weights [channels of the tile, window]
template <int kChannels>
[[gnu::always_inline]] inline void forward_tile(const ConvolutionShape& s, const float* image,
                                                const float* weights, const float* bias,
                                                const Planes& to) {
  int64_t row = image_row(s), window = s.kernel_height * s.kernel_width;
  Lanes16 sum[kChannels][4];
#pragma GCC unroll 8
  for (int o = 0; o < kChannels; ++o)
    sum[o][0] = sum[o][1] = sum[o][2] = sum[o][3] = Lanes16{} + (bias == nullptr ? 0.0f : bias[o]);
  for (int64_t ky = 0; ky < s.kernel_height; ++ky)
    for (int64_t kx = 0; kx < s.kernel_width; ++kx) {
      const float* at = image + ky * row + kx;
      Lanes16 x[4];
      load(x[0], at), load(x[1], at + kLanes);
      load(x[2], at + row), load(x[3], at + row + kLanes);
      const float* w = weights + ky * s.kernel_width + kx;
#pragma GCC unroll 8
      for (int o = 0; o < kChannels; ++o)
#pragma GCC unroll 4
        for (int v = 0; v < 4; ++v) sum[o][v] += x[v] * w[o * window];
    }
#pragma GCC unroll 8
  for (int o = 0; o < kChannels; ++o)
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) store(sum[o][v], to.rows[v / 2] + o * wide_row(s) + v % 2 * kLanes);
}

// planes and pixels are scratch memory: 2 x out x wide_row and out x wide_row elements.
D2L_SIMD void interleave_rows(const ConvolutionShape& s, const float* planes, float* pixels,
                              float* y) {
  int64_t wide = wide_row(s), count = s.out_width * s.out;
  for (int64_t r = 0; r < 2; ++r) {
    with_constant<kMostOut>(
        s.out, [&](auto out) __attribute__((always_inline)) {
          interleave<out>(planes + r * s.out * wide, wide, pixels);
        });
    copy_row(pixels, count, y + r * count);
  }
}

// --- weight gradient: sums up to 4 channels and 5 taps in registers ---

constexpr int kWeightChannels = 4;
constexpr int kWeightTaps = 5;

// result = lanes kShift, kShift + 1, ... of two consecutive vectors
template <int kShift>
[[gnu::always_inline]] inline void shift(const Lanes16& x, const Lanes16& next, Lanes16& result) {
  static constexpr ShuffleIndices kIndices = [] {
    ShuffleIndices indices{};
    for (int lane = 0; lane < 16; ++lane) indices[lane] = lane + kShift;
    return indices;
  }();
  Lanes16i indices;
  load(indices, kIndices.data());
  result = __builtin_shuffle(x, next, indices);
}

// Inputs are loaded once and shifted in registers: loads at every position would cross cache lines.
template <int kChannels, int kTaps>
[[gnu::always_inline]] inline void weight_tile(const ConvolutionShape& s, const float* image,
                                               const float* grads, float* sums) {
  int64_t wide = wide_row(s), window = s.kernel_height * s.kernel_width;
  Lanes16 sum[kChannels][kTaps];
#pragma GCC unroll 4
  for (int o = 0; o < kChannels; ++o)
#pragma GCC unroll 8
    for (int k = 0; k < kTaps; ++k) load(sum[o][k], sums + (o * window + k) * kLanes);
  for (int64_t oy = 0; oy < s.out_height; ++oy)
    for (int64_t ox = 0; ox < s.out_width; ox += kLanes) {
      const float* at = image + oy * image_row(s) + ox;
      const float* grad = grads + oy * s.out * wide + ox;
      Lanes16 g[kChannels];
#pragma GCC unroll 4
      for (int o = 0; o < kChannels; ++o) load(g[o], grad + o * wide);
      Lanes16 x, next;
      load(x, at), load(next, at + kLanes);
      with_each<kTaps>([&](auto k) __attribute__((always_inline)) {
        Lanes16 shifted;
        shift<k>(x, next, shifted);
#pragma GCC unroll 4
        for (int o = 0; o < kChannels; ++o) sum[o][k] += g[o] * shifted;
      });
    }
#pragma GCC unroll 4
  for (int o = 0; o < kChannels; ++o)
#pragma GCC unroll 8
    for (int k = 0; k < kTaps; ++k) store(sum[o][k], sums + (o * window + k) * kLanes);
}

// planes [out_height][out][wide_row]: lanes after the row are zero. Vectors extend past the end of
// a row into the next row; the last row goes through `pixels`, which has room for this.
template <class T>
D2L_SIMD void gradient_planes(const ConvolutionShape& s, const T* grad_y, T* pixels,
                              float* planes) {
  int64_t count = s.out_width * s.out, wide = wide_row(s);
  for (int64_t oy = 0; oy < s.out_height; ++oy, grad_y += count, planes += s.out * wide) {
    bool inside = (oy + 1) * count + (wide - s.out_width) * s.out <= s.y_image();
    if (!inside) std::copy(grad_y, grad_y + count, pixels);
    const T* row = inside ? grad_y : pixels;
    with_constant<kMostOut>(
        s.out, [&](auto out)
                   __attribute__((always_inline)) { deinterleave<out>(row, wide, planes); });
    for (int64_t o = 0; o < s.out; ++o)
      for (int64_t ox = s.out_width; ox < wide; ++ox) planes[o * wide + ox] = 0.0f;
  }
}

// sums [out, window][16] and bias_sums [out][16]
D2L_SIMD void weight_image(const ConvolutionShape& s, const float* image, const float* planes,
                           float* sums, float* bias_sums) {
  int64_t wide = wide_row(s), window = s.kernel_height * s.kernel_width;
  // Splits the channels into equal blocks: 6 as 3 + 3.
  int64_t blocks = (s.out + kWeightChannels - 1) / kWeightChannels;
  int64_t step = (s.out + blocks - 1) / blocks;
  for (int64_t o = 0; o < s.out; o += step)
    for (int64_t ky = 0; ky < s.kernel_height; ++ky)
      for (int64_t kx = 0; kx < s.kernel_width; kx += kWeightTaps)
        with_constant<kWeightChannels>(
            std::min(step, s.out - o), [&](auto channels) __attribute__((always_inline)) {
              with_constant<kWeightTaps>(
                  std::min<int64_t>(kWeightTaps, s.kernel_width - kx),
                  [&](auto taps) __attribute__((always_inline)) {
                    weight_tile<channels, taps>(
                        s, image + ky * image_row(s) + kx, planes + o * wide,
                        sums + (o * window + ky * s.kernel_width + kx) * kLanes);
                  });
            });
  for (int64_t o = 0; o < s.out; ++o) {
    Lanes16 sum;
    load(sum, bias_sums + o * kLanes);
    for (int64_t oy = 0; oy < s.out_height; ++oy)
      for (int64_t ox = 0; ox < s.out_width; ox += kLanes) {
        Lanes16 grad;
        load(grad, planes + (oy * s.out + o) * wide + ox);
        sum += grad;
      }
    store(sum, bias_sums + o * kLanes);
  }
}

}  // namespace

bool pixels_suit(const ConvolutionShape& s) {
  return has_wide_vectors() && s.images > 0 && s.unit_stride() && s.in == 1 && s.out <= kMostOut &&
         s.out_height >= 2 && 3 * s.out_width >= 2 * wide_row(s);
}

template <class T>
D2L_SIMD void pad_image(const ConvolutionShape& s, const T* x, float* padded) {
  padded += s.params.padding.height * image_row(s) + s.params.padding.width;
  for (int64_t iy = 0; iy < s.height; ++iy)
    copy_row(x + iy * s.width, s.width, padded + iy * image_row(s));
}

D2L_SIMD void forward_rows(const ConvolutionShape& s, const float* padded, int64_t oy,
                           const float* weight, const float* bias, float* planes) {
  int64_t wide = wide_row(s), window = s.kernel_height * s.kernel_width;
  for (int64_t o = 0; o < s.out; o += kForwardChannels)
    for (int64_t ox = 0; ox < wide; ox += 2 * kLanes) {
      float* to = planes + o * wide + ox;
      with_constant<kForwardChannels>(
          std::min<int64_t>(kForwardChannels, s.out - o), [&](auto channels) __attribute__((
                                                              always_inline)) {
            forward_tile<channels>(s, padded + oy * image_row(s) + ox, weight + o * window,
                                   bias == nullptr ? nullptr : bias + o, {{to, to + s.out * wide}});
          });
    }
}

template <class T>
static void forward_images(const ConvolutionShape& s, MemoryPool& pool, const T* x,
                           const float* weight, const float* bias, T* y) {
  PerThread<float> images(pool, (s.padded_height() + 1) * image_row(s));
  images.clear();
  PerThread<float> planes(pool, 2 * s.out * wide_row(s)), pixels(pool, s.out * wide_row(s));
  PerThread<float> results(pool, floats_beside<T>(s.y_image()));
  parallel_for(s.images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      pad_image(s, x + n * s.x_image(), images.mine());
      T* stored = y + n * s.y_image();
      float* image = floats_for(stored, results.mine());
      for (int64_t i = 0; i < s.out_height; i += 2) {
        int64_t oy = std::min(i, s.out_height - 2);  // the last pair of rows may overlap
        forward_rows(s, images.mine(), oy, weight, bias, planes.mine());
        interleave_rows(s, planes.mine(), pixels.mine(), image + oy * s.out_width * s.out);
      }
      activate(s.params.activation, image, s.y_image());
      store_floats(image, s.y_image(), stored);
    }
  });
}

void pixels_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                    const ForwardOperands& operands) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    forward_images(s, on.pool(), operands.x.as<T>(), operands.weight.as<float>(),
                   operands.bias.as<float>(), operands.y.as<T>());
  });
}

template <class T>
void sum_weight_gradient(const ConvolutionShape& s, MemoryPool& pool, const T* x,
                         const GradientOfImage<T>& gradient, float* grad_weight, float* grad_bias) {
  int64_t weights = s.out * s.kernel_height * s.kernel_width;
  PerThread<float> images(pool, s.padded_height() * image_row(s));
  images.clear();
  PerThread<float> planes(pool, s.out_height * s.out * wide_row(s));
  PerThread<T> pixels(pool, s.out * wide_row(s));
  auto add_image = [&](int64_t n, float* sums) {
    pad_image(s, x + n * s.x_image(), images.mine());
    gradient(n, pixels.mine(), planes.mine());
    weight_image(s, images.mine(), planes.mine(), sums, sums + weights * kLanes);
  };
  Scratch<float> sums = sum_over_images(s.images, pool, (weights + s.out) * kLanes, add_image);
  const float* total = sums.data();
  for (int64_t i = 0; i < weights + s.out; ++i) {
    float sum = std::accumulate(total + i * kLanes, total + (i + 1) * kLanes, 0.0f);
    if (i < weights)
      grad_weight[i] = sum;
    else if (grad_bias != nullptr)
      grad_bias[i - weights] = sum;
  }
}

void pixels_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                            const WeightGradientOperands& operands) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    const GradientOfImage<T> gradient = [&](int64_t n, T* pixels, float* planes) {
      gradient_planes(s, operands.grad_y.as<T>() + n * s.y_image(), pixels, planes);
    };
    sum_weight_gradient(s, on.pool(), operands.x.as<T>(), gradient,
                        operands.grad_weight.as<float>(), operands.grad_bias.as<float>());
  });
}

#define D2L_PIXELS(T)                                                               \
  template void pad_image(const ConvolutionShape&, const T*, float*);               \
  template void sum_weight_gradient(const ConvolutionShape&, MemoryPool&, const T*, \
                                    const GradientOfImage<T>&, float*, float*);
D2L_PIXELS(float)
D2L_PIXELS(Bfloat16)
#undef D2L_PIXELS

}  // namespace d2l::cpu
