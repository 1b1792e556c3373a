#pragma once

#include "framework/nn/parameter_set.h"

namespace d2l {

// Every element of the gradients into [-limit, limit].
void clip_value(nn::ParameterSet& parameters, double limit);

// Scales all gradients together so that their norm, that of one vector of all their elements, is at
// most `limit`; answers the norm before, and leaves them alone when that is not finite.
double clip_norm(nn::ParameterSet& parameters, double limit);

}  // namespace d2l
