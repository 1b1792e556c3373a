#pragma once

#include "framework/backend/convolution_choice.h"
#include "framework/backend/cpu/convolution/kernel.h"

// Selects a kernel. Each pass has a table of kernels (choice.cpp); the first kernel that suits the
// shape computes the convolution. The last one suits every shape.
namespace d2l::cpu {

void run_convolution(const ConvolutionContext& on, const ConvolutionShape& s,
                     const ForwardOperands& operands);
void run_convolution(const ConvolutionContext& on, const ConvolutionShape& s,
                     const InputGradientOperands& operands);
void run_convolution(const ConvolutionContext& on, const ConvolutionShape& s,
                     const WeightGradientOperands& operands);

// nullptr: compute the convolution, then the pooling.
const PooledConvolutionKernel* pooled_convolution_kernel(const ConvolutionShape& s,
                                                         const ConvPoolParams& params);

}  // namespace d2l::cpu
