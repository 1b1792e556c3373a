#pragma once

#include "framework/tensor/tensor.h"

namespace d2l {

// [m, k] x [k, n]; [b, m, k] x [b, k, n]; or [m, k] x [k]. Throws Error if the sizes do not match.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulParams& params = {});
Tensor dot(const Tensor& a, const Tensor& b);  // two vectors of the same length -> scalar

}  // namespace d2l
