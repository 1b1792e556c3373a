#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Gradients of 1 x 1 convolutions as matrix products over the pixels that they see. oneDNN 2.6.3
// has its own kernels for them, which answer wrong numbers or write outside their memory for some
// numbers of channels that are no multiples of 16: the weights' gradient with strides on several
// threads, and both gradients in bf16. Those that were never seen to fail stay with oneDNN.
namespace d2l::cpu {

bool pointwise_suits(const ConvolutionShape& s);
void pointwise_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                              const InputGradientOperands& operands);
void pointwise_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                               const WeightGradientOperands& operands);

}  // namespace d2l::cpu
