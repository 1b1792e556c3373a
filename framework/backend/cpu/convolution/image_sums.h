#pragma once

#include <algorithm>
#include <functional>

#include "framework/backend/convolution_shape.h"
#include "framework/backend/scratch.h"

// Helpers that several kernels share: sums over images, and images with padding. The order of
// additions depends on the shape alone, so the number of threads does not change a bit.
namespace d2l::cpu {

// Returns `size` sums over all images, at the beginning of the memory. add_image(n, sums) adds the
// contribution of image n. The order of additions depends on the number of images alone.
Scratch<float> sum_over_images(int64_t images, MemoryPool& pool, int64_t size,
                               const std::function<void(int64_t n, float* sums)>& add_image);

// sums[i] += values[i]
void add(const float* values, int64_t count, float* sums);

// Converts sums [o / 16, ky, taps, 16], followed by the sums of the biases, to gradients. grad_bias
// may be null.
void unpack_sums(const ConvolutionShape& s, const float* sums, float* grad_weight,
                 float* grad_bias);

// Copies an image into the interior of `padded`, whose border is already zero.
template <class From, class To>
void copy_into_padding(const ConvolutionShape& s, const From* x, To* padded) {
  const int64_t row = s.padded_width() * s.in;
  To* to = padded + s.params.padding.height * row + s.params.padding.width * s.in;
  for (int64_t y = 0; y < s.height; ++y)
    std::copy_n(x + y * s.width * s.in, s.width * s.in, to + y * row);
}

}  // namespace d2l::cpu
