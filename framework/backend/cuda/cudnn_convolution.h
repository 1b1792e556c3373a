#pragma once

#include <cstddef>
#include <map>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/cudnn_plan.h"

namespace d2l::cuda {

// Convolutions with cuDNN, in the images' type with f32 sums. For 16-bit images, f32 weights and
// biases are first rounded to 16 bits, and their gradients are rounded to 16 bits, because cuDNN
// writes no other type for them.
//
// For each new problem, the best plans of cuDNN's heuristics are run on the problem's tensors and
// measured (with accumulate, on a stand-in for the result). The fastest plan is kept; if
// `deterministic`, the first one that works. This is impossible while the queue's stream is being
// captured: if a captured problem has not been seen before, Error is thrown.
class CudnnConvolution {
 public:
  CudnnConvolution(CudaBackend& backend, const CudaOptions& options);

  // See the Backend's functions of these names.
  void forward(const Conv2dParams& params, const Backend::ConvOperands& in, View y);
  void backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight, View grad_x,
                      bool accumulate);
  void backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y, View grad_weight,
                       View grad_bias);

 private:
  // The plan chosen for a problem. d2l's own kernels do the last steps if the plan leaves them out.
  struct Choice {
    std::unique_ptr<ConvolutionPlan> plan;
    bool bias = false, relu = false, add = false;  // steps that the plan leaves out
  };
  // A problem and its tensors.
  struct Task {
    ConvolutionProblem problem;
    ConvolutionTensors tensors;
  };

  void run(const Task& task);
  Choice choose(const Task& task);
  float milliseconds(const Choice& choice, const Task& task);
  static int64_t scratch_bytes(const Choice& choice, const ConvolutionProblem& problem);
  cudnnStatus_t execute(const Choice& choice, const Task& task, std::byte* scratch);
  void finish(const Choice& choice, const Task& task, const ConvolutionTensors& made);

  CudaBackend& backend_;
  bool tf32_, deterministic_;
  CudnnHandle handle_;
  Event start_, stop_;
  std::map<ConvolutionProblem::Key, Choice> choices_;
};

}  // namespace d2l::cuda
