#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Convolutions of images in bf16 with the instruction that multiplies pairs (pairs.h), where this
// process uses it (bf16_products.h) and they were measured to be faster than oneDNN
// (benchmarks/README.md, "Convolutions on the CPU"). What a pair is made of differs from file to
// file.
namespace d2l::cpu {

// Gradients of weights, any stride (weight_gradient.cpp); products with the padding are left out.
// With AMX on tiles (amx_tiles.h).
bool pairs_backward_weight_suits(const ConvolutionShape& s);
void pairs_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                           const WeightGradientOperands& operands);

// Small images, any stride; forward the activation is none or relu (small_images.cpp).
bool small_images_forward_suits(const ConvolutionShape& s);
void small_images_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                          const ForwardOperands& operands);
bool small_images_backward_input_suits(const ConvolutionShape& s);
void small_images_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                                 const InputGradientOperands& operands);

// First layers: up to 4 input channels, any kernel and stride; forward the activation is none or
// relu (first_layer.cpp).
bool first_layer_forward_suits(const ConvolutionShape& s);
void first_layer_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                         const ForwardOperands& operands);
bool first_layer_backward_weight_suits(const ConvolutionShape& s);
void first_layer_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                                 const WeightGradientOperands& operands);

}  // namespace d2l::cpu
