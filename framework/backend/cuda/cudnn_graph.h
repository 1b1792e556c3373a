#pragma once

#include <array>

#include "framework/backend/cuda/cudnn_descriptor.h"
#include "framework/backend/params.h"
#include "framework/base/dtype.h"
#include "framework/base/shape.h"

namespace d2l::cuda {

// All that plans of a convolution depend on. x, weight and y name the same three tensors in each
// pass, whichever of them is the result; all have `dtype`, begin at multiples of kTensorAlignment
// and lie row by row. So does a bias: with 16-bit images, ready-made kernels add no other one.
struct ConvolutionProblem {
  ConvolutionPass pass = ConvolutionPass::forward;
  Conv2dParams params;  // its activation does not count
  Shape x, weight, y;
  DType dtype = DType::f32;
  bool bias = false, relu = false;  // what a forward pass does to its sums
  bool accumulate = false;          // an input's gradient is added to what is there

  using Key = std::array<int64_t, 16>;
  Key key() const;
};

std::string to_string(const ConvolutionProblem& problem);

constexpr int64_t kTensorAlignment = 16;  // bytes

// What plans call the tensors.
struct TensorId {
  static constexpr int64_t kX = 1, kWeight = 2, kY = 3, kBias = 4;
};

// The operations of one problem as cuDNN's graph, finalized.
Descriptor convolution_graph(cudnnHandle_t handle, const ConvolutionProblem& problem);

}  // namespace d2l::cuda
