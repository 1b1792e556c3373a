#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

// Running statistics that batch_norm updates: new = (1 - momentum) old + momentum batch.
struct BatchNormState {
  Tensor running_mean, running_variance;  // [c]
  double momentum = 0.1;
  bool training = true;  // false: normalises with the running statistics and leaves them alone
};

// Batch normalisation over all axes but the last (chapter 7.5; Ioffe and Szegedy, 2015): x [...,
// c], gamma and beta [c]. The running variance takes the unbiased estimate, as PyTorch's does.
Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    BatchNormState& state, const BatchNormParams& params = {});

}  // namespace d2l
