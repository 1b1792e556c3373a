#pragma once

#include "framework/backend/params.h"

// The factors in the optimizers' formulas (params.h), computed once per kernel call.

namespace d2l {

struct SgdRates {
  float lr_in, lr_out;  // applied before and after the velocity
  float momentum, weight_decay;
};
SgdRates sgd_rates(const SgdParams& params, const StepRange& range);

// For the running means of Adam and LAMB; the same for all ranges.
struct AdamMoments {
  float keep_mean, add_mean;      // beta1 and 1 - beta1
  float keep_square, add_square;  // beta2 and 1 - beta2
  float mean_scale;               // 1 / (1 - beta1^step)
  float root_scale;               // 1 / sqrt(1 - beta2^step)
  float epsilon;
};
AdamMoments adam_moments(const AdamParams& params);

struct AdamRates {
  float weight_decay;  // for coupled decay: this times the value is added to the gradient
  float keep_value;    // 1 - lr weight_decay when decoupled
  float step_size;     // lr / (1 - beta1^step)
};
AdamRates adam_rates(const AdamParams& params, const StepRange& range);

}  // namespace d2l
