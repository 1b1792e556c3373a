#pragma once

#include "framework/tensor/tensor.h"

namespace d2l {

// What the functions of this folder check before they call a backend. Every message starts with the
// function's name.

// Throws Error unless both are defined and live on the same backend.
void check_same_backend(const char* name, const Tensor& a, const Tensor& b);

// Throws Error unless it is f32, bf16, or f16 where its backend computes f16.
void check_floats(const char* name, const Tensor& x);

// What a function of f32 and 16-bit operands answers: 16 bits as soon as one of them has them.
// Throws Error for bf16 with f16.
DType joint_dtype(const char* name, const Tensor& a, const Tensor& b);

// The shape that a and b broadcast to.
Shape broadcast_shape(const char* name, const Shape& a, const Shape& b);

// Throws Error unless `from` broadcasts to `to`.
void check_broadcasts_to(const char* name, const Shape& from, const Shape& to);

// Turns -1 into the last axis and so on.
int check_axis(const char* name, int axis, const Shape& shape);

// `source` itself, or a copy of it where its elements share memory with `target`'s: a kernel that
// writes `target` would read what it has already written.
Tensor disjoint_from(const Tensor& target, const Tensor& source);
// The same for kernels that read each element just before they write it: `source` may also be
// exactly `target`.
Tensor same_or_disjoint(const Tensor& target, const Tensor& source);

}  // namespace d2l
