#pragma once

#include "framework/backend/convolution_choice.h"
#include "framework/backend/cpu/convolution/kernel.h"

// The choice of a kernel: one table for each pass (choice.cpp), of which the first row that suits
// computes the convolution. The last row suits everything.
namespace d2l::cpu {

void run_convolution(const ConvolutionContext& on, const ConvolutionShape& s,
                     const ForwardOperands& operands);
void run_convolution(const ConvolutionContext& on, const ConvolutionShape& s,
                     const InputGradientOperands& operands);
void run_convolution(const ConvolutionContext& on, const ConvolutionShape& s,
                     const WeightGradientOperands& operands);

// nullptr: convolution and pooling are done one after the other.
const PooledConvolutionKernel* pooled_convolution_kernel(const ConvolutionShape& s,
                                                         const ConvPoolParams& params);

}  // namespace d2l::cpu
