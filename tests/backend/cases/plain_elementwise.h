#pragma once

#include "framework/backend/formulas.h"
#include "tests/backend/cases/compare.h"

namespace d2l::test {

// The element-wise kernels in doubles.
struct PlainElementwise {
  void unary(Unary op, const ConstView& x, const View& y) const;
  // Computes the slope from y if it is a function of y.
  void unary_backward(Unary op, const ConstView& x, const ConstView& y, const ConstView& grad_y,
                      const View& grad_x) const;
  void binary(Binary op, const ConstView& a, const ConstView& b, const View& out) const;
  void binary_scalar(Binary op, const ConstView& a, double b, const View& out) const;
  void scalar_binary(Binary op, double a, const ConstView& b, const View& out) const;
  void compare(Compare op, const ConstView& a, const ConstView& b, const View& out) const;
  void axpby(double alpha, const ConstView& x, double beta, const View& y) const;
};

}  // namespace d2l::test
