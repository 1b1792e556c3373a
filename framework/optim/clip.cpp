#include "framework/optim/clip.h"

#include "framework/tensor/elementwise.h"

namespace d2l {

void clip_value(nn::ParameterSet& parameters, double limit) {
  View gradients = parameters.gradients().view();
  Backend& backend = parameters.backend();
  backend.binary_scalar(Binary::minimum, gradients, limit, gradients);
  backend.binary_scalar(Binary::maximum, gradients, -limit, gradients);
}

// Runs on the device only, so that the host does not wait.
void clip_norm(nn::ParameterSet& parameters, double limit, Tensor& norm, const Shards* shards) {
  constexpr double kSmall = 1e-6;  // as PyTorch's clip_grad_norm_
  find_gradient_norm(parameters, shards, norm);
  Tensor factor = limit / (norm + kSmall);
  parameters.backend().binary_scalar(Binary::minimum, factor.view(), 1, factor.view());
  parameters.gradients() *= factor;
}

}  // namespace d2l
