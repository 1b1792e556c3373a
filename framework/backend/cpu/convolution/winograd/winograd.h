#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Winograd convolution (minimal filtering; Lavin and Gray, "Fast algorithms for convolutional
// neural networks", 2016) for stride 1 and 3 x 3 or 5 x 5 kernels. Tiles of 8 x 8, 6 x 6 or 5 x 5
// pixels are transformed, multiplied by transformed weights (64, 36 or 25 small matrix products
// over the channels), and transformed back to 6 x 6, 4 x 4 or 3 x 3 results for 3 x 3 kernels, and
// to 4 x 4 or 2 x 2 results for 5 x 5 kernels. The tile size with the fewest products is used. This
// is 5.1, 4, 3.2, 6.3 or 2.8 times fewer multiplications than in the direct sums. All are in f32,
// whatever the images' type. Results differ from direct sums by about 1e-5 of the largest result.
namespace d2l::cpu {

// Channels are multiples of 16; forward: activation none or relu. For bf16, pairs are faster with
// few channels and small images (benchmarks/README.md, "Convolutions on the CPU").
bool winograd_forward_suits(const ConvolutionShape& s);
void winograd_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                      const ForwardOperands& operands);
bool winograd_backward_input_suits(const ConvolutionShape& s);
void winograd_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                             const InputGradientOperands& operands);
bool winograd_backward_weight_suits(const ConvolutionShape& s);
void winograd_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                              const WeightGradientOperands& operands);

}  // namespace d2l::cpu
