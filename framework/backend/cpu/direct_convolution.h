#pragma once

#include <algorithm>
#include <functional>

#include "framework/backend/params.h"
#include "framework/backend/scratch.h"
#include "framework/base/bfloat16.h"
#include "framework/base/shape.h"

// Convolutions whose channels are too few for general kernels, which then leave most of a vector
// empty. Sums over images are cut by the shape alone, so that the number of threads does not change
// a bit.
//
// Milliseconds on one core of Zen 4 (oneDNN 2.6.3 -> these), 256 images unless said otherwise:
//   1 -> 6 channels, 5x5 on 28x28, sigmoid: forward 3.31 -> 1.33, weight gradient 1.99 -> 1.07
//   6 -> 16 channels, 5x5 on 14x14, sigmoid: forward 1.44 -> 1.20, input gradient 2.82 -> 1.32,
//     weight gradient 1.17 -> 1.16
//   3 -> 64 channels, 3x3 on 32x32, 32 images: weight gradient 1.55 -> 1.10
// Everything else is oneDNN's: forward on 3 -> 64 channels took 1.30 here instead of its 1.07.
namespace d2l::cpu {

struct DirectConvolution {
  DirectConvolution(const Conv2dParams& given, const Shape& x, const Shape& weight, const Shape& y)
      : params(given),
        images(x[0]),
        height(x[1]),
        width(x[2]),
        in(x[3]),
        kernel_height(weight[1]),
        kernel_width(weight[2]),
        out_height(y[1]),
        out_width(y[2]),
        out(y[3]) {}

  bool unit_stride() const { return params.stride == Extent{1, 1}; }
  bool padded() const { return !(params.padding == Extent{0, 0}); }
  int64_t padded_height() const { return height + 2 * params.padding.height; }
  int64_t padded_width() const { return width + 2 * params.padding.width; }
  int64_t taps() const { return kernel_width * in; }  // neighbours in memory
  int64_t x_image() const { return height * width * in; }
  int64_t y_image() const { return out_height * out_width * out; }
  // Images whose products are summed before they meet those of other images.
  int64_t images_per_sum() const { return (images + 63) / 64; }

  Conv2dParams params;
  int64_t images, height, width, in, kernel_height, kernel_width, out_height, out_width, out;
};

// The vectors of the kernels below fill the registers of AVX-512 and no smaller ones.
bool has_wide_vectors();

// `size` sums over all images, from the beginning of the memory on; add_image(n, sums) adds image
// n's. They are added in an order that the number of images alone decides.
Scratch<float> sum_over_images(const DirectConvolution& s, MemoryPool& pool, int64_t size,
                               const std::function<void(int64_t n, float* sums)>& add_image);

// sums[i] += values[i]
void add(const float* values, int64_t count, float* sums);

// An image into `padded`, which has room for the zeros around it and holds them already.
template <class From, class To>
void copy_into_padding(const DirectConvolution& s, const From* x, To* padded) {
  const int64_t row = s.padded_width() * s.in;
  To* to = padded + s.params.padding.height * row + s.params.padding.width * s.in;
  for (int64_t y = 0; y < s.height; ++y)
    std::copy_n(x + y * s.width * s.in, s.width * s.in, to + y * row);
}

// Sums [o / 16, ky, taps, 16] and those of the biases behind them become gradients; grad_bias may
// be null.
void unpack_sums(const DirectConvolution& s, const float* sums, float* grad_weight,
                 float* grad_bias);

// T, what images are stored as, is float or Bfloat16; what is computed with are floats.

// Lanes are output channels: a multiple of 16 of them, few input channels (direct_channels.cpp);
// forward with kernels 5 wide.
bool channels_forward_suits(const DirectConvolution& s);
template <class T>
void channels_forward(const DirectConvolution& s, MemoryPool& pool, const T* x, const float* weight,
                      const float* bias, T* y);
bool channels_backward_weight_suits(const DirectConvolution& s);
template <class T>
void channels_backward_weight(const DirectConvolution& s, MemoryPool& pool, const T* x,
                              const T* grad_y, float* grad_weight, float* grad_bias);

// Lanes are the taps of a row of the kernel: 16 or 32 output channels (direct_taps.cpp).
bool taps_backward_input_suits(const DirectConvolution& s);
template <class T>
void taps_backward_input(const DirectConvolution& s, MemoryPool& pool, const T* grad_y,
                         const float* weight, T* grad_x);

// Lanes are neighbouring pixels: one input channel, few output channels (direct_pixels.cpp).
bool pixels_suit(const DirectConvolution& s);
template <class T>
void pixels_forward(const DirectConvolution& s, MemoryPool& pool, const T* x, const float* weight,
                    const float* bias, T* y);
template <class T>
void pixels_backward_weight(const DirectConvolution& s, MemoryPool& pool, const T* x,
                            const T* grad_y, float* grad_weight, float* grad_bias);

// The same with the average over windows of 2 x 2 (direct_pixels_pool.cpp). `kept` has as many
// elements as the convolution's result, in an order of its own, for the gradient.
bool pixels_pool_suit(const DirectConvolution& s, const Pool2dParams& pool);
template <class T>
void pixels_pool_forward(const DirectConvolution& s, MemoryPool& pool, const T* x,
                         const float* weight, const float* bias, T* kept, T* y);
template <class T>
void pixels_pool_backward_weight(const DirectConvolution& s, MemoryPool& pool, const T* x,
                                 const T* kept, const T* grad_y, float* grad_weight,
                                 float* grad_bias);

}  // namespace d2l::cpu
