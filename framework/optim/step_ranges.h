#pragma once

#include <vector>

#include "framework/nn/parameter_set.h"

namespace d2l {

// What weight decay pulls at: everything, as the book does, or only what has at least two axes, so
// that biases and the factors and offsets of normalisations go free.
enum class Decay { all, weights };

// What a step covers: every parameter that is not frozen, with weight_decay 0 where `decay` leaves
// it out.
std::vector<StepRange> ranges_per_slot(const nn::ParameterSet& parameters, Decay decay);
// The same with neighbours that are treated alike made one.
std::vector<StepRange> merged_ranges(const nn::ParameterSet& parameters, Decay decay);

}  // namespace d2l
