#pragma once

#include "framework/backend/cpu/direct_convolution.h"
#include "framework/base/dtype.h"

// Convolutions with stride 1 and 3 x 3 or 5 x 5 kernels by minimal filtering (Winograd; Lavin and
// Gray, "Fast algorithms for convolutional neural networks", 2016): tiles of 8 x 8, 6 x 6 or 5 x 5
// pixels are transformed, multiplied with transformed weights (64, 36 or 25 small matrix products
// over the channels) and transformed back to 6 x 6, 4 x 4 or 3 x 3 results for 3 x 3 kernels, 4 x 4
// or 2 x 2 for 5 x 5 ones; whichever leaves least to multiply. That is 5.1, 4, 3.2, 6.3 or 2.8
// times fewer multiplications than sums have products. Results differ from such sums by some 1e-5
// of the largest.
namespace d2l::cpu {

// Channels must be multiples of 16, and pay where they were measured to: GFLOP/s of two Zen 4
// cores, oneDNN 2.6.3 in f32 (with its own minimal filtering) and bf16 against this in f32 (its
// multiplications always are), forward, batch 64:
//   64 -> 64 channels on 24 x 24: 531, 489, 583; 128 on 12 x 12: 527, 515, 532; 256 on 6 x 6: 327,
//   589, 777; 512 on 3 x 3: 307, 743, 435; 16 on 32 x 32: 227, 434, 372; 32 on 16 x 16: 423, 510,
//   535; batch 32, 5 x 5, 96 -> 256 on 26 x 26: 246, 500, 702; 256 on 12 x 12: 282, 571, 964.
enum class ConvolutionPass { forward, backward_input, backward_weight };
// In bf16 the tiles of AMX are faster than any of this (tiles.h).
bool winograd_suits(const DirectConvolution& s, ConvolutionPass pass, DType dtype);

// T, what images are stored as, is float or Bfloat16; weights and their gradients are floats.
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
