#pragma once

#include "framework/backend/backend.h"
#include "framework/backend/cpu/direct_convolution.h"

// Gradients of 1 x 1 convolutions as matrix products over the pixels that they see. oneDNN 2.6.3
// has its own kernels for them, which answer wrong numbers or write outside their memory for some
// numbers of channels that are no multiples of 16: the weights' gradient with strides on several
// threads, and both gradients in bf16. Those that were never seen to fail stay with oneDNN.
namespace d2l::cpu {

bool pointwise_suits(const DirectConvolution& s, DType dtype);
// f32 or bf16, as in Backend.
void pointwise_backward_input(Backend& backend, const DirectConvolution& s, ConstView grad_y,
                              ConstView weight, View grad_x);
// grad_bias may be {}.
struct PointwiseGradients {
  View weight, bias;
};
void pointwise_backward_weight(Backend& backend, const DirectConvolution& s, ConstView x,
                               ConstView grad_y, const PointwiseGradients& gradients);

}  // namespace d2l::cpu
