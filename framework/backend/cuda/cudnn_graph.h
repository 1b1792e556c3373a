#pragma once

#include <array>

#include "framework/backend/cuda/cudnn_descriptor.h"
#include "framework/backend/params.h"
#include "framework/base/dtype.h"
#include "framework/base/shape.h"

namespace d2l::cuda {

// Everything that the plans of a convolution depend on. x, weight and y are the same three tensors
// in each pass, whichever is the result. All have type `dtype`, start at multiples of
// kTensorAlignment and are stored row by row. A bias has the same type: cuDNN's precompiled kernels
// add no other type to 16-bit images.
struct ConvolutionProblem {
  ConvolutionPass pass = ConvolutionPass::forward;
  Conv2dParams params;  // without its activation
  Shape x, weight, y;
  DType dtype = DType::f32;
  bool bias = false, relu = false;  // applied to the sums of a forward pass
  bool accumulate = false;          // adds an input's gradient to the result

  using Key = std::array<int64_t, 16>;
  Key key() const;
};

std::string to_string(const ConvolutionProblem& problem);

constexpr int64_t kTensorAlignment = 16;  // bytes

// The tensors' identifiers in plans.
struct TensorId {
  static constexpr int64_t kX = 1, kWeight = 2, kY = 3, kBias = 4;
};

// Builds cuDNN's graph of the operations of one problem, finalized.
Descriptor convolution_graph(cudnnHandle_t handle, const ConvolutionProblem& problem);

}  // namespace d2l::cuda
