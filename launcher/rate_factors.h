#pragma once

#include <string>

#include "framework/nn/parameter_set.h"
#include "framework/optim/step_ranges.h"
#include "launcher/options/optimizer.h"

namespace d2l::launcher {

// What --lr-mult, --head-lr-mult and --lr-decay-by-depth make of the learning rate.
struct RateFactors {
  LrFactors of_slots;  // the product of the three for each slot; empty without these options
  std::string note;    // the factors in one line; empty without these options
};

// Call after freeze(). Throws UsageError if a pattern matches no parameter, if the network has no
// head but the options need one, and if the rates of all parameters to train are 0.
RateFactors rate_factors(const OptimizerConfig& options, const nn::ParameterSet& parameters);

}  // namespace d2l::launcher
