#pragma once

#include <cstddef>
#include <map>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/cudnn_plan.h"

namespace d2l::cuda {

// Convolutions by cuDNN, in the images' type with f32 sums: f32 weights and biases are rounded to
// 16 bits on the way in for 16-bit images. Their gradients are rounded to 16 bits on the way out
// then, as cuDNN writes those of 16-bit images as nothing else.
//
// For each new problem the plans that cuDNN's heuristics put first are run on its tensors and
// measured (on a stand-in for a result that is added to), and the fastest is kept; if
// `deterministic`, the first that works is. Neither happens
// while the queue's stream is captured: what is captured must have been met before, or an Error
// says so.
class CudnnConvolution {
 public:
  CudnnConvolution(CudaBackend& backend, const CudaOptions& options);

  // As the Backend's functions.
  void forward(const Conv2dParams& params, const Backend::ConvOperands& in, View y);
  void backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight, View grad_x,
                      bool accumulate);
  void backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y, View grad_weight,
                       View grad_bias);

 private:
  // A problem's chosen plan, which may leave the end of it to own kernels.
  struct Choice {
    std::unique_ptr<ConvolutionPlan> plan;
    bool bias = false, relu = false, add = false;  // still to be done
  };
  // A problem on tensors: what is done, and where.
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
