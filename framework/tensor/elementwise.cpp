#include "framework/tensor/elementwise.h"

#include "framework/tensor/checks.h"
#include "framework/tensor/create.h"

namespace d2l {

namespace {

void check_operands(const char* name, const Tensor& a, const Tensor& b) {
  check_floats(name, a);
  check_floats(name, b);
  check_same_backend(name, a, b);
}

Tensor& in_place(Binary op, Tensor& a, const Tensor& b) {
  check_operands(name_of(op), a, b);
  check_broadcasts_to(name_of(op), b.shape(), a.shape());
  if (a.elements() == 0) return a;
  const Tensor other = same_or_disjoint(a, b);
  a.backend().binary(op, a.view(), other.view(), a.view());
  return a;
}

Tensor& in_place(Binary op, Tensor& a, double b) {
  check_floats(name_of(op), a);
  if (a.elements() > 0) a.backend().binary_scalar(op, a.view(), b, a.view());
  return a;
}

}  // namespace

Tensor unary(Unary op, const Tensor& x) {
  check_floats(name_of(op), x);
  Tensor result(x.backend(), x.shape(), x.dtype());
  if (result.elements() > 0) x.backend().unary(op, x.view(), result.view());
  return result;
}

Tensor binary(Binary op, const Tensor& a, const Tensor& b) {
  check_operands(name_of(op), a, b);
  Tensor result(a.backend(), broadcast_shape(name_of(op), a.shape(), b.shape()),
                joint_dtype(name_of(op), a, b));
  if (result.elements() > 0) a.backend().binary(op, a.view(), b.view(), result.view());
  return result;
}

Tensor binary(Binary op, const Tensor& a, double b) {
  check_floats(name_of(op), a);
  Tensor result(a.backend(), a.shape(), a.dtype());
  if (result.elements() > 0) a.backend().binary_scalar(op, a.view(), b, result.view());
  return result;
}

Tensor binary(Binary op, double a, const Tensor& b) {
  check_floats(name_of(op), b);
  Tensor result(b.backend(), b.shape(), b.dtype());
  if (result.elements() > 0) b.backend().scalar_binary(op, a, b.view(), result.view());
  return result;
}

Tensor compare(Compare op, const Tensor& a, const Tensor& b) {
  check_dtype("compare", a, DType::f32);
  check_dtype("compare", b, DType::f32);
  check_same_backend("compare", a, b);
  Tensor result(a.backend(), broadcast_shape("compare", a.shape(), b.shape()), DType::u8);
  if (result.elements() > 0) a.backend().compare(op, a.view(), b.view(), result.view());
  return result;
}

Tensor compare(Compare op, const Tensor& a, double b) {
  check_dtype("compare", a, DType::f32);
  return compare(op, a, full(a.backend(), {}, b));
}

Tensor exp(const Tensor& x) { return unary(Unary::exp, x); }
Tensor log(const Tensor& x) { return unary(Unary::log, x); }
Tensor sqrt(const Tensor& x) { return unary(Unary::sqrt, x); }
Tensor square(const Tensor& x) { return unary(Unary::square, x); }
Tensor abs(const Tensor& x) { return unary(Unary::abs, x); }
Tensor sin(const Tensor& x) { return unary(Unary::sin, x); }
Tensor cos(const Tensor& x) { return unary(Unary::cos, x); }
Tensor relu(const Tensor& x) { return unary(Unary::relu, x); }
Tensor sigmoid(const Tensor& x) { return unary(Unary::sigmoid, x); }
Tensor tanh(const Tensor& x) { return unary(Unary::tanh, x); }
Tensor pow(const Tensor& x, double exponent) { return binary(Binary::pow, x, exponent); }
Tensor maximum(const Tensor& x, double least) { return binary(Binary::maximum, x, least); }

Tensor operator-(const Tensor& x) { return unary(Unary::negate, x); }
Tensor operator+(const Tensor& a, const Tensor& b) { return binary(Binary::add, a, b); }
Tensor operator-(const Tensor& a, const Tensor& b) { return binary(Binary::sub, a, b); }
Tensor operator*(const Tensor& a, const Tensor& b) { return binary(Binary::mul, a, b); }
Tensor operator/(const Tensor& a, const Tensor& b) { return binary(Binary::div, a, b); }
Tensor operator+(const Tensor& a, double b) { return binary(Binary::add, a, b); }
Tensor operator-(const Tensor& a, double b) { return binary(Binary::sub, a, b); }
Tensor operator*(const Tensor& a, double b) { return binary(Binary::mul, a, b); }
Tensor operator/(const Tensor& a, double b) { return binary(Binary::div, a, b); }
Tensor operator+(double a, const Tensor& b) { return binary(Binary::add, a, b); }
Tensor operator-(double a, const Tensor& b) { return binary(Binary::sub, a, b); }
Tensor operator*(double a, const Tensor& b) { return binary(Binary::mul, a, b); }
Tensor operator/(double a, const Tensor& b) { return binary(Binary::div, a, b); }

Tensor operator==(const Tensor& a, const Tensor& b) { return compare(Compare::equal, a, b); }
Tensor operator!=(const Tensor& a, const Tensor& b) { return compare(Compare::not_equal, a, b); }
Tensor operator<(const Tensor& a, const Tensor& b) { return compare(Compare::less, a, b); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return compare(Compare::less_equal, a, b); }
Tensor operator>(const Tensor& a, const Tensor& b) { return compare(Compare::greater, a, b); }
Tensor operator>=(const Tensor& a, const Tensor& b) {
  return compare(Compare::greater_equal, a, b);
}
Tensor operator==(const Tensor& a, double b) { return compare(Compare::equal, a, b); }
Tensor operator!=(const Tensor& a, double b) { return compare(Compare::not_equal, a, b); }
Tensor operator<(const Tensor& a, double b) { return compare(Compare::less, a, b); }
Tensor operator<=(const Tensor& a, double b) { return compare(Compare::less_equal, a, b); }
Tensor operator>(const Tensor& a, double b) { return compare(Compare::greater, a, b); }
Tensor operator>=(const Tensor& a, double b) { return compare(Compare::greater_equal, a, b); }

Tensor& operator+=(Tensor& a, const Tensor& b) { return in_place(Binary::add, a, b); }
Tensor& operator-=(Tensor& a, const Tensor& b) { return in_place(Binary::sub, a, b); }
Tensor& operator*=(Tensor& a, const Tensor& b) { return in_place(Binary::mul, a, b); }
Tensor& operator/=(Tensor& a, const Tensor& b) { return in_place(Binary::div, a, b); }
Tensor& operator+=(Tensor& a, double b) { return in_place(Binary::add, a, b); }
Tensor& operator-=(Tensor& a, double b) { return in_place(Binary::sub, a, b); }
Tensor& operator*=(Tensor& a, double b) { return in_place(Binary::mul, a, b); }
Tensor& operator/=(Tensor& a, double b) { return in_place(Binary::div, a, b); }

void axpby(double alpha, const Tensor& x, double beta, Tensor& y) {
  check_operands("axpby", x, y);
  check(x.shape() == y.shape(), "axpby: x is ", x.shape(), ", y is ", y.shape());
  if (y.elements() == 0) return;
  const Tensor source = same_or_disjoint(y, x);
  y.backend().axpby(alpha, source.view(), beta, y.view());
}

void move_towards(double share, const Tensor& x, Tensor& y) { axpby(share, x - y, 1, y); }

}  // namespace d2l
