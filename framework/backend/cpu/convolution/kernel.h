#pragma once

#include "framework/backend/backend.h"
#include "framework/backend/convolution_shape.h"
#include "framework/backend/scratch.h"

// The operands of convolution kernels. Images are f32 or bf16, as the shape says; weights, biases
// and their gradients are f32.
namespace d2l::cpu {

struct DnnlState;

struct ConvolutionContext {
  Backend& backend;
  DnnlState& dnnl;

  MemoryPool& pool() const { return backend.pool(); }
};

struct ForwardOperands {
  ConstView x, weight, bias;  // bias may be {}
  View y;
};
struct InputGradientOperands {
  ConstView grad_y, weight;
  View grad_x;
};
struct WeightGradientOperands {
  ConstView x, grad_y;
  View grad_weight, grad_bias;  // grad_bias may be {}
};

// A kernel for one pass. Results do not depend on the number of threads, except with oneDNN and
// CpuSums::fast.
template <class Operands>
struct ConvolutionKernel {
  const char* name;  // its file, or its folder, below this folder
  bool (*suits)(const ConvolutionShape& s);
  void (*run)(const ConvolutionContext& on, const ConvolutionShape& s, const Operands& operands);
};

// A fused kernel for a convolution and a pooling of its result. `kept`: see Backend::ConvKept.
struct PooledConvolutionKernel {
  const char* name;
  bool (*suits)(const ConvolutionShape& s, const ConvPoolParams& params);
  void (*forward)(const ConvolutionContext& on, const ConvolutionShape& s,
                  const Backend::ConvOperands& in, const Backend::ConvKept& kept, View y);
  // operands.grad_y is the gradient of the pooling's result.
  void (*backward)(const ConvolutionContext& on, const ConvolutionShape& s,
                   const Backend::ConvKept& kept, const WeightGradientOperands& operands);
};

}  // namespace d2l::cpu
