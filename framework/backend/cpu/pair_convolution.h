#pragma once

#include "framework/backend/cpu/direct_convolution.h"

// Convolutions in bf16 with the instruction that multiplies pairs (pairs.h). What a pair is made of
// differs from file to file. Weights and their gradients are f32. Sums are cut by the shape alone,
// so that the number of threads does not change a bit.
namespace d2l::cpu {

// The gradient of the weights of images in bf16, any stride (pair_gradient.cpp); products with the
// padding are left out. GFLOP/s of two cores of Zen 4, oneDNN 2.6.3 on the same layouts -> this:
// 3 x 3 with stride 2, 64 -> 128 channels on 24 x 24: 300 -> 390; 512 -> 512 on 3 x 3: 290 -> 690;
// 5 x 5, 32 -> 128 on 6 x 6: 378 -> 640; 1 x 1, 192 -> 64 on 12 x 12: 337 -> 383.
// With AMX (tiles.h), of Emerald Rapids, oneDNN -> this: 3 x 3, 128 -> 128 on 12 x 12: 770 -> 1260;
// 256 -> 256 on 6 x 6: 530 -> 1280; 512 -> 512 on 3 x 3: 80 -> 510; with stride 2, 128 -> 256 on 12
// x 12: 130 -> 880; 5 x 5, 96 -> 256 on 26 x 26: 880 -> 1610; 1 x 1, 192 -> 64 on 24 x 24: 310 ->
// 560.
bool pair_backward_weight_suits(const DirectConvolution& s);
void pair_backward_weight(const DirectConvolution& s, MemoryPool& pool, const Bfloat16* x,
                          const Bfloat16* grad_y, float* grad_weight, float* grad_bias);

// Small images in bf16, any stride; forward the activation is none or relu (pair_small_images.cpp).
// GFLOP/s of two cores of Zen 4, oneDNN 2.6.3 on the same layouts -> this, with packing the
// weights: 512 -> 512 channels, 3 x 3 on 3 x 3: forward 355 -> 660, input gradient 609 -> 680; 256
// -> 512 with stride 2 on 6 x 6: 307 -> 520, 443 -> 530.
bool pair_small_forward_suits(const DirectConvolution& s);
void pair_small_forward(const DirectConvolution& s, MemoryPool& pool, const Bfloat16* x,
                        const float* weight, const float* bias, Bfloat16* y);
bool pair_small_backward_input_suits(const DirectConvolution& s);
void pair_small_backward_input(const DirectConvolution& s, MemoryPool& pool, const Bfloat16* grad_y,
                               const float* weight, Bfloat16* grad_x);

// First layers in bf16: up to 4 input channels, any kernel and stride; forward the activation is
// none or relu (pair_first_layer.cpp). GFLOP/s of two cores of Zen 4, oneDNN 2.6.3 on the same
// layouts -> this: 1 -> 64 channels, 7 x 7 with stride 2 on 96 x 96: forward 205 -> 360, gradient
// 263 -> 300; 3 -> 16, 3 x 3 on 32 x 32: 205 -> 265, 255 -> 255.
bool pair_first_forward_suits(const DirectConvolution& s);
void pair_first_forward(const DirectConvolution& s, MemoryPool& pool, const Bfloat16* x,
                        const float* weight, const float* bias, Bfloat16* y);
bool pair_first_backward_weight_suits(const DirectConvolution& s);
void pair_first_backward_weight(const DirectConvolution& s, MemoryPool& pool, const Bfloat16* x,
                                const Bfloat16* grad_y, float* grad_weight, float* grad_bias);

}  // namespace d2l::cpu
