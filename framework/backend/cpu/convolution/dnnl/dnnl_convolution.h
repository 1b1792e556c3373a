#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Convolutions with oneDNN primitives, which are created when a shape is seen first, then cached.
namespace d2l::cpu {

// Any convolution, except those of wants_f32_gradient().
bool dnnl_suits(const ConvolutionShape& s);
void dnnl_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                  const ForwardOperands& operands);
void dnnl_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                         const InputGradientOperands& operands);
void dnnl_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                          const WeightGradientOperands& operands);

// Shapes whose weight gradient oneDNN 2.6.3 computes incorrectly in bf16.
bool wants_f32_gradient(const ConvolutionShape& s);

// bf16 convolutions for which oneDNN with AMX is faster than d2l's kernels without AMX; weight
// gradients only for wide images with few channels (benchmarks/README.md, "Convolutions on the
// CPU").
bool dnnl_amx_forward_suits(const ConvolutionShape& s);
bool dnnl_amx_backward_input_suits(const ConvolutionShape& s);
bool dnnl_amx_backward_weight_suits(const ConvolutionShape& s);

}  // namespace d2l::cpu
