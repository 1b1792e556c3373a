#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

// Row indices[i] of a table; see take() of tensors.
Variable embedding(const Variable& table, const Tensor& indices);

}  // namespace d2l
