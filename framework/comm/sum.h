#pragma once

#include <cstdint>

#include "framework/base/dtype.h"

namespace d2l {

// into = first + second, element by element; f32, f64 or i64 (which wraps). `into` may be either of
// the two, else nothing overlaps.
void add_elements(DType dtype, void* into, const void* first, const void* second, int64_t count);

}  // namespace d2l
