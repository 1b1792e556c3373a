#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

// [m, k] x [k, n] or [b, m, k] x [b, k, n].
Variable matmul(const Variable& a, const Variable& b);

// activation(x weight^T + bias): x [..., in], weight [out, in], bias [out] or undefined
// -> [..., out].
Variable linear(const Variable& x, const Variable& weight, const Variable& bias = {},
                Activation activation = Activation::none);

}  // namespace d2l
