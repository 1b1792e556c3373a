#include "framework/autograd/elementwise.h"

#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"

namespace d2l {
namespace {

// Gives `input` its contribution from the gradient of a tensor that it was broadcast to.
void contribute_broadcast(const Variable& input, const Tensor& grad) {
  if (!input.requires_grad()) return;
  input.contribute(grad.shape() == input.shape() ? grad.clone() : sum_to(grad, input.shape()));
}

void contribute_product(const Variable& input, const Tensor& grad, const Tensor& factor) {
  if (!input.requires_grad()) return;
  Tensor product = grad * factor;
  input.contribute(product.shape() == input.shape() ? product : sum_to(product, input.shape()));
}

}  // namespace

Variable unary(Unary op, const Variable& x) {
  Tensor y = unary(op, x.value());
  return Variable::result(y, {x}, [op, x, y](const Tensor& grad) {
    x.contribute([&](Tensor& out) {
      out.backend().unary_backward(op, x.value().view(), y.view(), grad.view(), out.view());
    });
  });
}

Variable exp(const Variable& x) { return unary(Unary::exp, x); }
Variable log(const Variable& x) { return unary(Unary::log, x); }
Variable sqrt(const Variable& x) { return unary(Unary::sqrt, x); }
Variable square(const Variable& x) { return unary(Unary::square, x); }
Variable abs(const Variable& x) { return unary(Unary::abs, x); }
Variable sin(const Variable& x) { return unary(Unary::sin, x); }
Variable cos(const Variable& x) { return unary(Unary::cos, x); }
Variable relu(const Variable& x) { return unary(Unary::relu, x); }
Variable sigmoid(const Variable& x) { return unary(Unary::sigmoid, x); }
Variable tanh(const Variable& x) { return unary(Unary::tanh, x); }
Variable gelu(const Variable& x) { return unary(Unary::gelu, x); }
Variable pow(const Variable& x, double exponent) {
  return Variable::result(pow(x.value(), exponent), {x}, [x, exponent](const Tensor& grad) {
    contribute_product(x, grad, exponent * pow(x.value(), exponent - 1));
  });
}

Variable operator-(const Variable& x) { return unary(Unary::negate, x); }

Variable operator+(const Variable& a, const Variable& b) {
  return Variable::result(a.value() + b.value(), {a, b}, [a, b](const Tensor& grad) {
    contribute_broadcast(a, grad);
    contribute_broadcast(b, grad);
  });
}

Variable operator-(const Variable& a, const Variable& b) {
  return Variable::result(a.value() - b.value(), {a, b}, [a, b](const Tensor& grad) {
    contribute_broadcast(a, grad);
    if (b.requires_grad()) contribute_broadcast(b, -grad);
  });
}

Variable operator*(const Variable& a, const Variable& b) {
  return Variable::result(a.value() * b.value(), {a, b}, [a, b](const Tensor& grad) {
    contribute_product(a, grad, b.value());
    contribute_product(b, grad, a.value());
  });
}

Variable operator/(const Variable& a, const Variable& b) {
  Tensor quotient = a.value() / b.value();
  return Variable::result(quotient, {a, b}, [a, b, quotient](const Tensor& grad) {
    contribute_product(a, grad, 1.0 / b.value());
    if (b.requires_grad()) contribute_product(b, grad, -(quotient / b.value()));
  });
}

Variable operator+(const Variable& a, double b) {
  return Variable::result(a.value() + b, {a},
                          [a](const Tensor& grad) { contribute_broadcast(a, grad); });
}

Variable operator*(const Variable& a, double b) {
  return Variable::result(a.value() * b, {a},
                          [a, b](const Tensor& grad) { a.contribute(grad * b); });
}

Variable operator-(const Variable& a, double b) { return a + -b; }
Variable operator/(const Variable& a, double b) { return a * (1.0 / b); }
Variable operator+(double a, const Variable& b) { return b + a; }
Variable operator-(double a, const Variable& b) { return -b + a; }
Variable operator/(double a, const Variable& b) { return a * pow(b, -1); }
Variable operator*(double a, const Variable& b) { return b * a; }

Variable dropout(const Variable& x, const DropoutParams& params) {
  check(params.p >= 0 && params.p <= 1, "dropout: p must be in [0, 1], found ", params.p);
  Tensor y(x.backend(), x.shape(), x.value().dtype());
  y.backend().dropout(params, x.value().view(), y.view());
  return Variable::result(y, {x}, [x, params](const Tensor& grad) {
    x.contribute([&](Tensor& out) { out.backend().dropout(params, grad.view(), out.view()); });
  });
}

}  // namespace d2l
