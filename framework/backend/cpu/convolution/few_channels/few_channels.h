#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Convolutions with so few channels that general kernels leave most of a vector empty. They compute
// in f32, whatever the images' type. Used for shapes where they were measured to be faster than
// oneDNN (benchmarks/README.md, "Convolutions on the CPU").
namespace d2l::cpu {

// Lanes are output channels: a multiple of 16; few input channels (channels.cpp). Forward: only
// kernels of width 5.
bool channels_forward_suits(const ConvolutionShape& s);
void channels_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                      const ForwardOperands& operands);
bool channels_backward_weight_suits(const ConvolutionShape& s);
void channels_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                              const WeightGradientOperands& operands);

// Lanes are the taps of a row of the kernel: 16 or 32 output channels (taps.cpp).
bool taps_backward_input_suits(const ConvolutionShape& s);
void taps_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                         const InputGradientOperands& operands);

// Lanes are adjacent pixels: one input channel, few output channels (pixels.cpp).
bool pixels_suit(const ConvolutionShape& s);
void pixels_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                    const ForwardOperands& operands);
void pixels_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                            const WeightGradientOperands& operands);

// The same followed by average pooling over 2 x 2 windows (pixels_pool.cpp), if the gradient of the
// input is not needed. kept.conv has its own layout.
bool pixels_pool_suit(const ConvolutionShape& s, const ConvPoolParams& params);
void pixels_pool_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                         const Backend::ConvOperands& in, const Backend::ConvKept& kept, View y);
// operands.grad_y is the gradient of the averages.
void pixels_pool_backward(const ConvolutionContext& on, const ConvolutionShape& s,
                          const Backend::ConvKept& kept, const WeightGradientOperands& operands);

}  // namespace d2l::cpu
