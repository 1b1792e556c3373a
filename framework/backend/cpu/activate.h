#pragma once

#include "framework/backend/params.h"

namespace d2l::cpu {

// values[i] = activation(values[i]), on the calling thread. For results that are still in the
// cache.
void activate(Activation activation, float* values, int64_t count);

// grad[i] *= derivative of the activation at its result y[i], on the calling thread. T is float or
// Bfloat16.
template <class T>
void activate_gradient(Activation activation, const T* y, float* grad, int64_t count);

}  // namespace d2l::cpu
