#pragma once

#include <vector>

#include "framework/nn/parameter_set.h"

namespace d2l {

// Which parameters weight decay applies to: all, as in the book, or only those with at least two
// axes, which excludes biases and the scales and offsets of normalisations.
enum class Decay { all, weights };

// Factors on the learning rate, one for each slot of a ParameterSet; empty means 1 for all.
using LrFactors = std::vector<double>;

// One range for each parameter that is not frozen, with its factor on the learning rate, and with
// weight_decay 0 if `decay` excludes the parameter and 1 otherwise. Throws Error for factors that
// are negative or not finite, or another number of them than of slots.
std::vector<StepRange> ranges_per_slot(const nn::ParameterSet& parameters, Decay decay,
                                       const LrFactors& lr_factors = {});
// Adjacent ranges of equal factors become one.
std::vector<StepRange> merged(const std::vector<StepRange>& ranges);

}  // namespace d2l
