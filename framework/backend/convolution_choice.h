#pragma once

#include <string>
#include <vector>

#include "framework/backend/convolution_shape.h"

// Selects the CPU kernel that computes a convolution, by the shape, the processor's features and
// the bf16 products (bf16_products.h); nothing is timed. cpu/convolution/README.md lists the
// kernels and their order.
namespace d2l::cpu {

// The names of all suitable kernels, in order of preference. The first one is used.
std::vector<std::string> convolution_kernels(ConvolutionPass pass, const ConvolutionShape& shape);
std::string convolution_kernel(ConvolutionPass pass, const ConvolutionShape& shape);

// For tests and benchmarks: while the object lives, the kernel of this name computes every
// convolution that it supports.
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
