#pragma once

#include "framework/backend/cuda/cudnn_graph.h"

namespace d2l::cuda {

// Which of cuDNN's engines may be used. Those that would round f32 inputs to 16 bits or add in
// less than f32 never are, nor minimal filtering of the largest tiles and Fourier transforms.
struct EngineRules {
  bool tensor_cores = true;    // which round f32 inputs to tf32
  bool deterministic = false;  // only those that add in a fixed order
};

// Where a plan's tensors are; bias is only read by plans that add one.
struct ConvolutionTensors {
  const void* x = nullptr;
  const void* weight = nullptr;
  const void* y = nullptr;
  const void* bias = nullptr;
};

// One way to do a convolution.
class ConvolutionPlan {
 public:
  // `config`: an engine with its settings. Check `is_usable` before anything else.
  ConvolutionPlan(Descriptor config, bool has_bias);
  bool is_usable() const { return is_usable_; }
  int64_t workspace() const { return workspace_; }  // bytes

  // Queues it; the memory of the tensor that is the result gets written.
  cudnnStatus_t execute(cudnnHandle_t handle, const ConvolutionTensors& tensors,
                        void* workspace) const;

 private:
  Descriptor config_, plan_;
  bool has_bias_;
  bool is_usable_;
  int64_t workspace_ = 0;
};

// Engines for a problem, as cuDNN expects them to rank by speed, in the end those that it falls
// back on. Configurations are made one by one, as some are compiled when they are.
class ConvolutionEngines {
 public:
  ConvolutionEngines(cudnnHandle_t handle, const ConvolutionProblem& problem,
                     const EngineRules& rules);
  // The next plan that can be used with at most `most_workspace` bytes; nullptr after the last.
  // Plans that cuDNN compiles, which takes a second each, are left out after `most_compiled` of
  // them.
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
