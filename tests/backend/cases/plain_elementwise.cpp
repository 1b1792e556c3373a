#include "tests/backend/cases/plain_elementwise.h"

#include <algorithm>
#include <cmath>

namespace d2l::test {
namespace {

// The probability that a standard normal number is below x.
double normal_below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

double value_of(Unary op, double x) {
  switch (op) {
    case Unary::negate:
      return -x;
    case Unary::exp:
      return std::exp(x);
    case Unary::log:
      return std::log(x);
    case Unary::sqrt:
      return std::sqrt(x);
    case Unary::square:
      return x * x;
    case Unary::abs:
      return std::abs(x);
    case Unary::reciprocal:
      return 1 / x;
    case Unary::sin:
      return std::sin(x);
    case Unary::cos:
      return std::cos(x);
    case Unary::relu:
      return x < 0 ? 0 : x;
    case Unary::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Unary::tanh:
      return std::tanh(x);
    case Unary::gelu:
      return x * normal_below(x);
  }
  fail("no plain formula for ", name_of(op));
}

double slope_of(Unary op, double x, double y) {
  switch (op) {
    case Unary::negate:
      return -1;
    case Unary::exp:
      return y;
    case Unary::log:
      return 1 / x;
    case Unary::sqrt:
      return 0.5 / y;
    case Unary::square:
      return 2 * x;
    case Unary::abs:
      return x > 0 ? 1 : x < 0 ? -1 : 0;
    case Unary::reciprocal:
      return -y * y;
    case Unary::sin:
      return std::cos(x);
    case Unary::cos:
      return -std::sin(x);
    case Unary::relu:
      return y > 0 ? 1 : 0;
    case Unary::sigmoid:
      return y * (1 - y);
    case Unary::tanh:
      return 1 - y * y;
    case Unary::gelu:
      return normal_below(x) + x * std::exp(-x * x / 2) * 0.3989422804014327;
  }
  fail("no plain derivative for ", name_of(op));
}

double value_of(Binary op, double a, double b) {
  switch (op) {
    case Binary::add:
      return a + b;
    case Binary::sub:
      return a - b;
    case Binary::mul:
      return a * b;
    case Binary::div:
      return a / b;
    case Binary::pow:
      return std::pow(a, b);
    case Binary::maximum:
      return std::isnan(a) || std::isnan(b) ? kNaN : std::max(a, b);
    case Binary::minimum:
      return std::isnan(a) || std::isnan(b) ? kNaN : std::min(a, b);
  }
  fail("no plain formula for ", name_of(op));
}

bool holds(Compare op, double a, double b) {
  switch (op) {
    case Compare::equal:
      return a == b;
    case Compare::not_equal:
      return a != b;
    case Compare::less:
      return a < b;
    case Compare::less_equal:
      return a <= b;
    case Compare::greater:
      return a > b;
    case Compare::greater_equal:
      return a >= b;
  }
  fail("no plain comparison ", static_cast<int>(op));
}

// The index in an operand of shape `shape` that element `index` of `out` reads, one axis at a time.
size_t broadcast_index(int64_t index, const Shape& out, const Shape& shape) {
  int64_t at = 0, step = 1;
  for (int i = 1; i <= out.rank(); ++i) {
    const int64_t size = out[out.rank() - i], coordinate = index % size;
    index /= size;
    if (i > shape.rank()) continue;
    const int64_t own = shape[shape.rank() - i];
    if (own > 1) at += coordinate * step;
    step *= own;
  }
  return static_cast<size_t>(at);
}

template <class Formula>
void broadcast(const ConstView& a, const ConstView& b, const View& out, const Formula& formula) {
  const Doubles left = doubles(a), right = doubles(b);
  Doubles values;
  for (int64_t i = 0; i < out.elements(); ++i)
    values.push_back(formula(left[broadcast_index(i, out.shape, a.shape)],
                             right[broadcast_index(i, out.shape, b.shape)]));
  store(out, values);
}

template <class Formula>
void map(const ConstView& x, const View& y, const Formula& formula) {
  Doubles values = doubles(x);
  for (double& value : values) value = formula(value);
  store(y, values);
}

// Kernels get scalars as f32.
double as_f32(double scalar) { return static_cast<float>(scalar); }

}  // namespace

void PlainElementwise::unary(Unary op, const ConstView& x, const View& y) const {
  map(x, y, [op](double value) { return value_of(op, value); });
}

void PlainElementwise::unary_backward(Unary op, const ConstView& x, const ConstView& y,
                                      const ConstView& grad_y, const View& grad_x) const {
  const Doubles results = doubles(y), from = x ? doubles(x) : results;
  Doubles gradient = doubles(grad_y);
  for (size_t i = 0; i < gradient.size(); ++i) gradient[i] *= slope_of(op, from[i], results[i]);
  store(grad_x, gradient);
}

void PlainElementwise::binary(Binary op, const ConstView& a, const ConstView& b,
                              const View& out) const {
  broadcast(a, b, out, [op](double left, double right) { return value_of(op, left, right); });
}

void PlainElementwise::binary_scalar(Binary op, const ConstView& a, double b,
                                     const View& out) const {
  map(a, out, [=](double value) { return value_of(op, value, as_f32(b)); });
}

void PlainElementwise::scalar_binary(Binary op, double a, const ConstView& b,
                                     const View& out) const {
  map(b, out, [=](double value) { return value_of(op, as_f32(a), value); });
}

void PlainElementwise::compare(Compare op, const ConstView& a, const ConstView& b,
                               const View& out) const {
  broadcast(a, b, out, [op](double left, double right) { return holds(op, left, right); });
}

void PlainElementwise::axpby(double alpha, const ConstView& x, double beta, const View& y) const {
  const Doubles from = doubles(x), before = doubles(y);
  Doubles values;
  for (size_t i = 0; i < from.size(); ++i)
    values.push_back(as_f32(alpha) * from[i] + (beta == 0 ? 0 : as_f32(beta) * before[i]));
  store(y, values);
}

}  // namespace d2l::test
