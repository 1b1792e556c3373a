#pragma once

#include "framework/base/error.h"

namespace d2l {

// Checks of the optimizers' options; `name` is the optimizer's name. All throw Error.
inline void check_momentum(const char* name, double momentum) {
  check(momentum >= 0 && momentum < 1, name, ": momentum must be in [0, 1), found ", momentum);
}

inline void check_weight_decay(const char* name, double weight_decay) {
  check(weight_decay >= 0, name, ": weight decay must not be negative, found ", weight_decay);
}

// For Adam and LAMB.
template <class Options>
void check_moments(const char* name, const Options& options) {
  for (double beta : {options.beta1, options.beta2})
    check(beta >= 0 && beta < 1, name, ": the betas must be in [0, 1), found ", beta);
  check(options.epsilon > 0, name, ": epsilon must be positive, found ", options.epsilon);
}

}  // namespace d2l
