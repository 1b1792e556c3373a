#include <algorithm>

#include "framework/backend/cpu/activate.h"
#include "framework/backend/cpu/convolution/few_channels/pixel_planes.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"
#include "framework/backend/formulas.h"

// A convolution of pixels.cpp fused with average pooling over 2 x 2 windows. The large images
// between the two stay planes, [images][out_height][out][out_width]; they are never interleaved.
// Vectors extend past the end of a plane into the next one, which is written later.

namespace d2l::cpu {
namespace {

constexpr float kScale = 0.25f;

// The pixels of two vectors at even positions (kFirst 0) or odd positions (kFirst 1).
template <int kFirst>
[[gnu::always_inline]] inline void every_second(const Lanes16& a, const Lanes16& b,
                                                Lanes16& result) {
  constexpr int f = kFirst;
  result = __builtin_shuffle(a, b,
                             Lanes16i{f, f + 2, f + 4, f + 6, f + 8, f + 10, f + 12, f + 14, f + 16,
                                      f + 18, f + 20, f + 22, f + 24, f + 26, f + 28, f + 30});
}

// Repeats each of 8 lanes, beginning with kFirst, twice.
template <int kFirst>
[[gnu::always_inline]] inline void twice(const Lanes16& x, Lanes16& result) {
  constexpr int f = kFirst;
  result = __builtin_shuffle(x, Lanes16i{f, f, f + 1, f + 1, f + 2, f + 2, f + 3, f + 3, f + 4,
                                         f + 4, f + 5, f + 5, f + 6, f + 6, f + 7, f + 7});
}

// rows [2][out][wide_row] -> planes of half the width
D2L_SIMD void average_rows(const ConvolutionShape& s, const float* rows, float* planes) {
  int64_t wide = wide_row(s);
  for (int64_t i = 0; i < s.out * wide; i += 2 * kLanes) {
    Lanes16 upper, lower, left, right, even, odd;
    load(upper, rows + i), load(lower, rows + s.out * wide + i);
    left = upper + lower;
    load(upper, rows + i + kLanes), load(lower, rows + s.out * wide + i + kLanes);
    right = upper + lower;
    every_second<0>(left, right, even);
    every_second<1>(left, right, odd);
    even = (even + odd) * kScale;
    store(even, planes + i / 2);
  }
}

template <class T>
D2L_SIMD void interleave_row(const ConvolutionShape& s, const float* planes, float* pixels, T* y) {
  with_constant<kMostOut>(
      s.out, [&](auto out) __attribute__((always_inline)) {
        interleave<out>(planes, wide_row(s) / 2, pixels);
      });
  copy_row(pixels, s.out_width / 2 * s.out, y);
}

// rows [2][out][wide_row] -> kept [2][out][out_width]; writes nothing after `kept`.
template <class T>
D2L_SIMD void keep_rows(const ConvolutionShape& s, const float* rows, T* kept) {
  int64_t wide = wide_row(s), planes = 2 * s.out;
  for (int64_t i = 0; i + 1 < planes; ++i, rows += wide, kept += s.out_width)
    for (int64_t ox = 0; ox < s.out_width; ox += kLanes) {
      Lanes16 lanes;
      load(lanes, rows + ox);
      store(lanes, kept + ox);
    }
  copy_row(rows, s.out_width, kept);
}

// grad_y [out_width / 2][out] -> planes of half the width, with zeros after the row. inside: a
// whole plane can be read.
template <class T>
D2L_SIMD void deinterleave_row(const ConvolutionShape& s, const T* grad_y, bool inside, T* pixels,
                               float* planes) {
  int64_t half = s.out_width / 2, wide = wide_row(s) / 2;
  if (!inside) {
    std::copy(grad_y, grad_y + half * s.out, pixels);
    grad_y = pixels;
  }
  with_constant<kMostOut>(
      s.out, [&](auto out)
                 __attribute__((always_inline)) { deinterleave<out>(grad_y, wide, planes); });
  for (int64_t o = 0; o < s.out; ++o)
    for (int64_t ox = half; ox < wide; ++ox) planes[o * wide + ox] = 0.0f;
}

// grads: the planes of a pooled row -> rows [2][out][wide_row], times the activation's derivative.
template <class T, class Formula>
[[gnu::always_inline]] inline void spread_rows(const ConvolutionShape& s, const float* grads,
                                               const T* kept, const Formula& formula, float* rows) {
  int64_t wide = wide_row(s);
  for (int64_t r = 0; r < 2; ++r)
    for (int64_t o = 0; o < s.out; ++o, kept += s.out_width, rows += wide) {
      const float* grad = grads + o * (wide / 2);
      for (int64_t ox = 0; ox < wide; ox += 2 * kLanes) {
        Lanes16 g, left, right;
        load(g, grad + ox / 2);
        g *= kScale;
        twice<0>(g, left);
        twice<8>(g, right);
        store(left, rows + ox), store(right, rows + ox + kLanes);
      }
      for (int64_t ox = 0; ox < s.out_width; ++ox)
        rows[ox] *= formula.derivative(0.0f, static_cast<float>(kept[ox]));
    }
}

template <class T>
D2L_SIMD void spread(const ConvolutionShape& s, const float* grads, const T* kept, float* rows) {
  if (s.params.activation == Activation::none) {
    struct Identity {
      float derivative(float, float) const { return 1.0f; }
    };
    return spread_rows(s, grads, kept, Identity{}, rows);
  }
  visit_activation(
      s.params.activation, [&](auto formula) __attribute__((always_inline)) {
        spread_rows(s, grads, kept, formula, rows);
      });
}

template <class T>
void forward_images(const ConvolutionShape& s, MemoryPool& pool, const T* x, const float* weight,
                    const float* bias, T* kept, T* y) {
  int64_t plane = s.out * wide_row(s), pooled_row = s.out_width / 2 * s.out;
  PerThread<float> images(pool, (s.padded_height() + 1) * image_row(s));
  images.clear();
  PerThread<float> rows(pool, 2 * plane), planes(pool, plane / 2), pixels(pool, plane / 2);
  parallel_for(s.images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      pad_image(s, x + n * s.x_image(), images.mine());
      for (int64_t oy = 0; oy < s.out_height; oy += 2) {
        forward_rows(s, images.mine(), oy, weight, bias, rows.mine());
        activate(s.params.activation, rows.mine(), 2 * plane);
        keep_rows(s, rows.mine(), kept + n * s.y_image() + oy * s.out * s.out_width);
        average_rows(s, rows.mine(), planes.mine());
        interleave_row(s, planes.mine(), pixels.mine(),
                       y + (n * (s.out_height / 2) + oy / 2) * pooled_row);
      }
    }
  });
}

template <class T>
void sum_gradients(const ConvolutionShape& s, MemoryPool& pool, const T* x, const T* kept,
                   const T* grad_y, float* grad_weight, float* grad_bias) {
  int64_t plane = s.out * wide_row(s), pooled_row = s.out_width / 2 * s.out;
  int64_t pooled_rows = s.images * (s.out_height / 2);
  PerThread<float> grads(pool, plane / 2);
  const GradientOfImage<T> gradient = [&](int64_t n, T* pixels, float* planes) {
    for (int64_t oy = 0; oy < s.out_height; oy += 2) {
      int64_t row = n * (s.out_height / 2) + oy / 2;
      bool inside = row * pooled_row + plane / 2 <= pooled_rows * pooled_row;
      deinterleave_row(s, grad_y + row * pooled_row, inside, pixels, grads.mine());
      spread(s, grads.mine(), kept + n * s.y_image() + oy * s.out * s.out_width,
             planes + oy * plane);
    }
  };
  sum_weight_gradient(s, pool, x, gradient, grad_weight, grad_bias);
}

}  // namespace

bool pixels_pool_suit(const ConvolutionShape& s, const ConvPoolParams& params) {
  return !params.input_gradient && pixels_suit(s) &&
         params.pool == Pool2dParams{.kind = Pooling::average} && s.out_height % 2 == 0 &&
         s.out_width % 2 == 0;
}

void pixels_pool_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                         const Backend::ConvOperands& in, const Backend::ConvKept& kept, View y) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    forward_images(s, on.pool(), in.x.as<T>(), in.weight.as<float>(), in.bias.as<float>(),
                   kept.conv.as<T>(), y.as<T>());
  });
}

void pixels_pool_backward(const ConvolutionContext& on, const ConvolutionShape& s,
                          const Backend::ConvKept& kept, const WeightGradientOperands& operands) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    sum_gradients(s, on.pool(), operands.x.as<T>(), kept.conv.as<T>(), operands.grad_y.as<T>(),
                  operands.grad_weight.as<float>(), operands.grad_bias.as<float>());
  });
}

}  // namespace d2l::cpu
