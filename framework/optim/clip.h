#pragma once

#include "framework/nn/parameter_set.h"

namespace d2l {

// Every element of the gradients into [-limit, limit].
void clip_value(nn::ParameterSet& parameters, double limit);

// Scales all gradients together so that their norm, that of one vector of all their elements, is at
// most `limit`. norm (f32 [1]) gets what it was before; one that is not finite leaves gradients of
// no use.
void clip_norm(nn::ParameterSet& parameters, double limit, Tensor& norm);

}  // namespace d2l
