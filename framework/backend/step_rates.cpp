#include "framework/backend/step_rates.h"

#include <cmath>

namespace d2l {

SgdRates sgd_rates(const SgdParams& params, const StepRange& range) {
  const auto lr = static_cast<float>(params.lr * range.lr);
  return {.lr_in = params.lr_in_velocity ? lr : 1.0f,
          .lr_out = params.lr_in_velocity ? 1.0f : lr,
          .momentum = static_cast<float>(params.momentum),
          .weight_decay = static_cast<float>(params.weight_decay * range.weight_decay)};
}

AdamMoments adam_moments(const AdamParams& params) {
  const auto step = static_cast<double>(params.step);
  return {.keep_mean = static_cast<float>(params.beta1),
          .add_mean = static_cast<float>(1.0 - params.beta1),
          .keep_square = static_cast<float>(params.beta2),
          .add_square = static_cast<float>(1.0 - params.beta2),
          .mean_scale = static_cast<float>(1.0 / (1.0 - std::pow(params.beta1, step))),
          .root_scale = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(params.beta2, step))),
          .epsilon = static_cast<float>(params.epsilon)};
}

AdamRates adam_rates(const AdamParams& params, const StepRange& range) {
  const double lr = params.lr * range.lr, weight_decay = params.weight_decay * range.weight_decay;
  const double correction = 1.0 - std::pow(params.beta1, static_cast<double>(params.step));
  return {.weight_decay = params.decoupled ? 0.0f : static_cast<float>(weight_decay),
          .keep_value = static_cast<float>(1.0 - (params.decoupled ? lr * weight_decay : 0.0)),
          .step_size = static_cast<float>(lr / correction)};
}

}  // namespace d2l
