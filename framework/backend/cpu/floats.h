#pragma once

#include "framework/base/dtype.h"

namespace d2l::cpu {

// Calls body(T{}) with what activations and their gradients are stored as: float or Bfloat16.
template <class Body>
void visit_float(DType dtype, const Body& body) {
  if (dtype == DType::bf16) return body(Bfloat16{});
  check(dtype == DType::f32, "expected f32 or bf16, found ", to_string(dtype));
  body(float{});
}

}  // namespace d2l::cpu
