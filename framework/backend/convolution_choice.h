#pragma once

#include <string>
#include <vector>

#include "framework/backend/convolution_shape.h"

// Which of the CPU's kernels computes a convolution. It depends on the shape, on what the processor
// has and on how it multiplies bf16 (bf16_products.h); nothing is timed. The kernels' names and the
// order in which they are asked are in cpu/convolution/README.md.
namespace d2l::cpu {

// The names of all that suit, in the order in which they are asked: the first one computes it.
std::vector<std::string> convolution_kernels(ConvolutionPass pass, const ConvolutionShape& shape);
std::string convolution_kernel(ConvolutionPass pass, const ConvolutionShape& shape);

// For tests and benchmarks, while it lives: the kernel of this name computes what it suits.
class ForcedConvolutionKernel {
 public:
  explicit ForcedConvolutionKernel(const std::string& name);
  ~ForcedConvolutionKernel();
  ForcedConvolutionKernel(const ForcedConvolutionKernel&) = delete;
  ForcedConvolutionKernel& operator=(const ForcedConvolutionKernel&) = delete;

 private:
  std::string before_;
};

}  // namespace d2l::cpu
