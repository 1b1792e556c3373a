#pragma once

#include <algorithm>
#include <functional>

#include "framework/backend/convolution_shape.h"
#include "framework/backend/scratch.h"

// What families of kernels share: sums over images, and images with zeros around them. Sums are cut
// by the shape alone, so that the number of threads does not change a bit.
namespace d2l::cpu {

// `size` sums over all images, from the beginning of the memory on; add_image(n, sums) adds image
// n's. They are added in an order that the number of images alone decides.
Scratch<float> sum_over_images(int64_t images, MemoryPool& pool, int64_t size,
                               const std::function<void(int64_t n, float* sums)>& add_image);

// sums[i] += values[i]
void add(const float* values, int64_t count, float* sums);

// Sums [o / 16, ky, taps, 16] and those of the biases behind them become gradients; grad_bias may
// be null.
void unpack_sums(const ConvolutionShape& s, const float* sums, float* grad_weight,
                 float* grad_bias);

// An image into `padded`, which has room for the zeros around it and holds them already.
template <class From, class To>
void copy_into_padding(const ConvolutionShape& s, const From* x, To* padded) {
  const int64_t row = s.padded_width() * s.in;
  To* to = padded + s.params.padding.height * row + s.params.padding.width * s.in;
  for (int64_t y = 0; y < s.height; ++y)
    std::copy_n(x + y * s.width * s.in, s.width * s.in, to + y * row);
}

}  // namespace d2l::cpu
