#pragma once

#include "framework/nn/parameter_set.h"
#include "framework/optim/shards.h"

namespace d2l {

// Clips every gradient element to [-limit, limit].
void clip_value(nn::ParameterSet& parameters, double limit);

// Scales all gradients by one factor so that their norm, as one vector of all elements, is at most
// `limit`. `norm` (f32 [1]) receives the norm before scaling. If it is not finite, the gradients
// are unusable afterwards. Collective with shards.
void clip_norm(nn::ParameterSet& parameters, double limit, Tensor& norm,
               const Shards* shards = nullptr);

}  // namespace d2l
