#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Convolutions with stride 1 and 3 x 3 or 5 x 5 kernels by minimal filtering (Winograd; Lavin and
// Gray, "Fast algorithms for convolutional neural networks", 2016): tiles of 8 x 8, 6 x 6 or 5 x 5
// pixels are transformed, multiplied with transformed weights (64, 36 or 25 small matrix products
// over the channels) and transformed back to 6 x 6, 4 x 4 or 3 x 3 results for 3 x 3 kernels, 4 x 4
// or 2 x 2 for 5 x 5 ones; whichever leaves least to multiply. That is 5.1, 4, 3.2, 6.3 or 2.8
// times fewer multiplications than sums have products. They are f32's, whatever images are stored
// as. Results differ from such sums by some 1e-5 of the largest.
namespace d2l::cpu {

// Channels are multiples of 16; forward the activation is none or relu. In bf16 pairs are better
// for few channels and small images (benchmarks/README.md, "Convolutions on the CPU").
bool winograd_forward_suits(const ConvolutionShape& s);
void winograd_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                      const ForwardOperands& operands);
bool winograd_backward_input_suits(const ConvolutionShape& s);
void winograd_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                             const InputGradientOperands& operands);
bool winograd_backward_weight_suits(const ConvolutionShape& s);
void winograd_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                              const WeightGradientOperands& operands);

}  // namespace d2l::cpu
