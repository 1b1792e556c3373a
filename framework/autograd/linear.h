#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

// [m, k] x [k, n]; [b, m, k] x [b, k, n]; or [m, k] x [k].
Variable matmul(const Variable& a, const Variable& b);
Variable dot(const Variable& a, const Variable& b);  // two vectors of the same length -> scalar

// activation(x weight^T + bias): x [..., in], weight [out, in], bias [out] or undefined
// -> [..., out].
Variable linear(const Variable& x, const Variable& weight, const Variable& bias = {},
                Activation activation = Activation::none);

}  // namespace d2l
