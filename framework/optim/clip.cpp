#include "framework/optim/clip.h"

#include <cmath>

#include "framework/tensor/elementwise.h"

namespace d2l {

void clip_value(nn::ParameterSet& parameters, double limit) {
  View gradients = parameters.gradients().view();
  Backend& backend = parameters.backend();
  backend.binary_scalar(Binary::minimum, gradients, limit, gradients);
  backend.binary_scalar(Binary::maximum, gradients, -limit, gradients);
}

double clip_norm(nn::ParameterSet& parameters, double limit) {
  constexpr double kSmall = 1e-6;  // as PyTorch's clip_grad_norm_
  Tensor& gradients = parameters.gradients();
  const StepRange all{0, gradients.elements()};
  Tensor norm(parameters.backend(), Shape{1});
  parameters.backend().norms({&all, 1}, gradients.view(), norm.view());
  const auto found = norm.item<double>();
  if (std::isfinite(found) && found > limit) gradients *= limit / (found + kSmall);
  return found;
}

}  // namespace d2l
