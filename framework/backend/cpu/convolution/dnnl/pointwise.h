#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Gradients of 1 x 1 convolutions as matrix products over the pixels that they read. oneDNN 2.6.3
// has special kernels for them. For some numbers of channels that are not multiples of 16, these
// return wrong results or write outside their memory: the weight gradient with strides on several
// threads, and both gradients in bf16. Cases that never failed remain with oneDNN.
namespace d2l::cpu {

bool pointwise_suits(const ConvolutionShape& s);
void pointwise_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                              const InputGradientOperands& operands);
void pointwise_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                               const WeightGradientOperands& operands);

}  // namespace d2l::cpu
