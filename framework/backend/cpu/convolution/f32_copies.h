#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Convolutions of bf16 images that are computed in f32 by kernels that do not read bf16: selects a
// kernel again, for f32 copies of the images. The copies are made for a few images at a time, so
// that they stay in the caches.
namespace d2l::cpu {

// bf16 convolutions, if this process multiplies bf16 as f32 (bf16_products.h).
bool f32_copies_suit(const ConvolutionShape& s);
void f32_copies_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                        const ForwardOperands& operands);
void f32_copies_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                               const InputGradientOperands& operands);
// Also gradients that oneDNN computes incorrectly in bf16.
bool f32_copies_backward_weight_suit(const ConvolutionShape& s);
void f32_copies_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                                const WeightGradientOperands& operands);

}  // namespace d2l::cpu
