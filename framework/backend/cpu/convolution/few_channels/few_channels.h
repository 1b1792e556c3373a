#pragma once

#include "framework/backend/cpu/convolution/kernel.h"

// Convolutions whose channels are too few for general kernels, which then leave most of a vector
// empty; in f32, whatever images are stored as. They suit where they were measured to be faster
// than oneDNN (benchmarks/README.md, "Convolutions on the CPU").
namespace d2l::cpu {

// Lanes are output channels: a multiple of 16 of them, few input channels (channels.cpp); forward
// with kernels 5 wide.
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

// Lanes are neighbouring pixels: one input channel, few output channels (pixels.cpp).
bool pixels_suit(const ConvolutionShape& s);
void pixels_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                    const ForwardOperands& operands);
void pixels_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                            const WeightGradientOperands& operands);

// The same with the average over windows of 2 x 2 (pixels_pool.cpp), where no gradient of the input
// is asked for. kept.conv is in an order of its own.
bool pixels_pool_suit(const ConvolutionShape& s, const ConvPoolParams& params);
void pixels_pool_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                         const Backend::ConvOperands& in, const Backend::ConvKept& kept, View y);
// operands.grad_y is the gradient of the averages.
void pixels_pool_backward(const ConvolutionContext& on, const ConvolutionShape& s,
                          const Backend::ConvKept& kept, const WeightGradientOperands& operands);

}  // namespace d2l::cpu
