#pragma once

#include <cstdint>

#include "framework/base/dtype.h"

namespace d2l {

// into = first + second, element by element; f32, f64 or i64 (which wraps around). `into` may be
// `first` or `second`; apart from that, the three must not overlap.
void add_elements(DType dtype, void* into, const void* first, const void* second, int64_t count);

}  // namespace d2l
