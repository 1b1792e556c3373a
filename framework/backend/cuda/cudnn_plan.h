#pragma once

#include "framework/backend/cuda/cudnn_graph.h"

namespace d2l::cuda {

// Which of cuDNN's engines may be used. Never used: engines that round f32 inputs to 16 bits or sum
// in less than f32, Winograd with the largest tiles, and Fourier transforms.
struct EngineRules {
  bool tensor_cores = true;    // they round f32 inputs to TF32
  bool deterministic = false;  // only engines that add in a fixed order
};

// The tensors of a plan; bias is read only by plans that add one.
struct ConvolutionTensors {
  const void* x = nullptr;
  const void* weight = nullptr;
  const void* y = nullptr;
  const void* bias = nullptr;
};

// One way to compute a convolution.
class ConvolutionPlan {
 public:
  // `config`: an engine with its settings. Check is_usable() first.
  ConvolutionPlan(Descriptor config, bool has_bias);
  bool is_usable() const { return is_usable_; }
  int64_t workspace() const { return workspace_; }  // bytes

  // Queues the convolution. It writes to the tensor that is the pass's result.
  cudnnStatus_t execute(cudnnHandle_t handle, const ConvolutionTensors& tensors,
                        void* workspace) const;

 private:
  Descriptor config_, plan_;
  bool has_bias_;
  bool is_usable_;
  int64_t workspace_ = 0;
};

// The engines for a problem, in the order of speed that cuDNN expects, followed by its fallbacks.
// Configurations are created one by one, since this compiles some of them.
class ConvolutionEngines {
 public:
  ConvolutionEngines(cudnnHandle_t handle, const ConvolutionProblem& problem,
                     const EngineRules& rules);
  // Returns the next usable plan with a workspace of at most `most_workspace` bytes; nullptr after
  // the last. Plans that cuDNN compiles take a second each: after `most_compiled` of them, the
  // others are skipped.
  std::unique_ptr<ConvolutionPlan> next(int64_t most_workspace, int most_compiled);

 private:
  void ask(cudnnBackendHeurMode_t mode);
  bool is_allowed(const Descriptor& engine) const;

  bool has_bias_;
  EngineRules rules_;
  Descriptor graph_;
  std::vector<Descriptor> configs_;
  size_t at_ = 0;
  bool has_asked_for_fallbacks_ = false;
  int compiled_ = 0;
};

}  // namespace d2l::cuda
