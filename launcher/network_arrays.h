#pragma once

#include <vector>

#include "framework/nn/parameter_set.h"
#include "framework/weights/match.h"

namespace d2l::launcher {

// The parameters and buffers of a network under the names and in the form that files of weights
// have: parameters from the input to the output, then buffers. `input`: height, width, channels of
// an image, or the values of a row.
std::vector<weights::ModelArray> network_arrays(const nn::ParameterSet& parameters,
                                                const Shape& input);

}  // namespace d2l::launcher
