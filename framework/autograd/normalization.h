#pragma once

#include <functional>

#include "framework/autograd/variable.h"

namespace d2l {

// Running statistics that batch_norm updates: new = (1 - momentum) old + momentum batch.
struct BatchNormState {
  Tensor running_mean, running_variance;  // [c]
  double momentum = 0.1;
  bool training = true;  // false: uses the running statistics and does not update them
  // Adds f64 numbers over all ranks, in place: statistics are then over the samples of all ranks
  // (SyncBatchNorm; Zhang et al., "Context encoding for semantic segmentation", 2018). Empty:
  // statistics over this rank's samples.
  std::function<void(Tensor& numbers)> sum_over_ranks = {};
};

struct BatchNormInput {
  Variable x, gamma, beta;  // [..., c], [c], [c]
  Variable residual = {};   // x's shape, or undefined
};

// Batch normalisation over all axes but the last (chapter 7.5; Ioffe and Szegedy, 2015), followed
// by the end of a residual block (chapter 7.6): activation(normalised x + residual). If x has 16
// bits, so do the residual and the result; all others are f32. The running variance uses the
// unbiased estimate, as in PyTorch.
Variable batch_norm(const BatchNormInput& in, BatchNormState& state,
                    const BatchNormParams& params = {});

// Layer normalisation over the last axis (Ba et al., 2016): x [..., c], gamma and beta [c].
Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    const LayerNormParams& params = {});

}  // namespace d2l
