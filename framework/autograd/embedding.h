#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

// table [count, ...], indices i64 [...] -> [indices..., ...]: row indices[i] of the table. Throws
// Error for an index outside [0, count). Waits for the device, since it reads the indices.
Variable embedding(const Variable& table, const Tensor& indices);

}  // namespace d2l
