#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Convolutions of bf16 images with the AVX-512 BF16 instruction for pairs (pairs.h), if this
// process uses it (bf16_products.h) and for shapes where they were measured to be faster than
// oneDNN (benchmarks/README.md, "Convolutions on the CPU"). Each file forms its pairs differently.
namespace d2l::cpu {

// Weight gradients with any stride (weight_gradient.cpp). Skips products with the padding. Uses AMX
// tiles if available (amx_tiles.h).
bool pairs_backward_weight_suits(const ConvolutionShape& s);
void pairs_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                           const WeightGradientOperands& operands);

// Small images, any stride; forward: activation none or relu (small_images.cpp).
bool small_images_forward_suits(const ConvolutionShape& s);
void small_images_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                          const ForwardOperands& operands);
bool small_images_backward_input_suits(const ConvolutionShape& s);
void small_images_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                                 const InputGradientOperands& operands);

// First layers: up to 4 input channels, any kernel and stride; forward: activation none or relu
// (first_layer.cpp).
bool first_layer_forward_suits(const ConvolutionShape& s);
void first_layer_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                         const ForwardOperands& operands);
bool first_layer_backward_weight_suits(const ConvolutionShape& s);
void first_layer_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                                 const WeightGradientOperands& operands);

}  // namespace d2l::cpu
