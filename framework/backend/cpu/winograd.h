#pragma once

#include "framework/backend/cpu/direct_convolution.h"

// Convolutions with stride 1 and 3 x 3 or 5 x 5 kernels by minimal filtering (Winograd; Lavin and
// Gray, "Fast algorithms for convolutional neural networks", 2016): tiles of 6 x 6 pixels are
// transformed, multiplied with transformed weights (36 small matrix products over the channels) and
// transformed back to 4 x 4 or 2 x 2 results. That is 4 or 2.8 times fewer multiplications. Sums
// differ from the direct ones by about 1e-5 of the largest.
namespace d2l::cpu {

// Channels must be multiples of 16.
bool winograd_suits(const DirectConvolution& s);

// T, what images are stored as, is float or bfloat16; weights and their gradients are floats.
// bias may be null; the activation is none or relu.
template <class T>
void winograd_forward(const DirectConvolution& s, MemoryPool& pool, const T* x, const float* weight,
                      const float* bias, T* y);
template <class T>
void winograd_backward_input(const DirectConvolution& s, MemoryPool& pool, const T* grad_y,
                             const float* weight, T* grad_x);
// grad_bias may be null.
template <class T>
void winograd_backward_weight(const DirectConvolution& s, MemoryPool& pool, const T* x,
                              const T* grad_y, float* grad_weight, float* grad_bias);

}  // namespace d2l::cpu
