#pragma once

#include <vector>

#include "framework/nn/parameter_set.h"

namespace d2l {

// Which parameters weight decay applies to: all, as in the book, or only those with at least two
// axes, which excludes biases and the scales and offsets of normalisations.
enum class Decay { all, weights };

// One range for each parameter that is not frozen, with weight_decay 0 if `decay` excludes the
// parameter and 1 otherwise.
std::vector<StepRange> ranges_per_slot(const nn::ParameterSet& parameters, Decay decay);
// The same, with adjacent ranges of equal weight_decay merged.
std::vector<StepRange> merged_ranges(const nn::ParameterSet& parameters, Decay decay);

}  // namespace d2l
