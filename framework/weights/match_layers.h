#pragma once

#include "framework/weights/match.h"

namespace d2l::weights {

// Matches a file whose names mean nothing to the network (Layout::outputs_last) by the order of the
// layers. Within each class of layers (convolutions, matrices, normalisations), the i-th layer of
// the file belongs to the i-th layer of the network: kernel to weight, bias to bias, gamma to
// weight, beta to bias, moving_mean to running_mean, moving_variance to running_var. The last
// layers may be missing in the file. Sets Match::obstacle, and matches nothing, if the order of the
// layers is not known in the file or in the network, and if one of the two has an array without
// counterpart.
Match match_layers(const std::vector<ModelArray>& arrays, const WeightFile& file);

}  // namespace d2l::weights
