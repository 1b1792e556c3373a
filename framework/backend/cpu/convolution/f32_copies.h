#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Convolutions of images in bf16 that are multiplied as f32 and for which no kernel reads bf16: the
// table is asked again with f32 copies. Copies of images are made for a few of them at a time and
// so stay in the caches.
namespace d2l::cpu {

// Where this process multiplies bf16 as f32 (bf16_products.h).
bool f32_copies_suit(const ConvolutionShape& s);
void f32_copies_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                        const ForwardOperands& operands);
void f32_copies_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                               const InputGradientOperands& operands);
// And gradients that oneDNN gets wrong in bf16.
bool f32_copies_backward_weight_suit(const ConvolutionShape& s);
void f32_copies_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                                const WeightGradientOperands& operands);

}  // namespace d2l::cpu
