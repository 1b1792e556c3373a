#pragma once

#include "framework/tensor/tensor.h"

namespace d2l {

// Argument checks of the functions in this folder. Every message starts with the function's name.

// Throws Error unless both are defined and on the same backend.
void check_same_backend(const char* name, const Tensor& a, const Tensor& b);

// Throws Error unless x is f32, bf16, or f16 on a backend that supports f16.
void check_floats(const char* name, const Tensor& x);

// The result type of a function of f32 and 16-bit operands: 16 bits if any of them has 16 bits.
// Throws Error for bf16 with f16.
DType joint_dtype(const char* name, const Tensor& a, const Tensor& b);

// The shape that a and b broadcast to. Throws Error if they do not.
Shape broadcast_shape(const char* name, const Shape& a, const Shape& b);

// Throws Error unless `from` broadcasts to `to`.
void check_broadcasts_to(const char* name, const Shape& from, const Shape& to);

// Converts negative axes: -1 is the last axis. Throws Error if out of range.
int check_axis(const char* name, int axis, const Shape& shape);

// Returns `source`, or a copy of it if it shares memory with `target`: otherwise a kernel that
// writes `target` would read elements that it has already overwritten.
Tensor disjoint_from(const Tensor& target, const Tensor& source);
// The same for kernels that read each element just before they write it: `source` may also be
// exactly `target`.
Tensor same_or_disjoint(const Tensor& target, const Tensor& source);

}  // namespace d2l
