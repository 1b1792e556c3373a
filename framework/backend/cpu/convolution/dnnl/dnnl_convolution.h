#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Convolutions by oneDNN's primitives, which are made when a shape is first seen and kept.
namespace d2l::cpu {

// Any convolution, but for what wants_f32_gradient() says.
bool dnnl_suits(const ConvolutionShape& s);
void dnnl_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                  const ForwardOperands& operands);
void dnnl_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                         const InputGradientOperands& operands);
void dnnl_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                          const WeightGradientOperands& operands);

// Shapes whose weights' gradient in bf16 oneDNN 2.6.3 gets wrong.
bool wants_f32_gradient(const ConvolutionShape& s);

// Convolutions in bf16 that oneDNN does faster with AMX than d2l's kernels without it: gradients of
// weights only of wide images with few channels (benchmarks/README.md, "Convolutions on the CPU").
bool dnnl_amx_forward_suits(const ConvolutionShape& s);
bool dnnl_amx_backward_input_suits(const ConvolutionShape& s);
bool dnnl_amx_backward_weight_suits(const ConvolutionShape& s);

}  // namespace d2l::cpu
