#pragma once

#include "framework/backend/formulas.h"
#include "framework/tensor/tensor.h"

namespace d2l {

// The gradient before a fused activation, computed from its result y and the gradient after it.
inline Tensor gradient_before(Activation activation, const Tensor& y, const Tensor& grad_y) {
  if (activation == Activation::none) return grad_y;
  Tensor before(y.backend(), y.shape(), y.dtype());
  y.backend().unary_backward(unary_of(activation), {}, y.view(), grad_y.view(), before.view());
  return before;
}

// The view of an optional tensor: {} if it is undefined.
inline ConstView view_or_none(const Tensor& tensor) {
  return tensor.defined() ? tensor.view() : ConstView{};
}
inline View view_or_none(Tensor& tensor) { return tensor.defined() ? tensor.view() : View{}; }

}  // namespace d2l
