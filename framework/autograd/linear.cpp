#include "framework/autograd/linear.h"

#include "framework/autograd/activation_gradient.h"
#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/tensor/linalg.h"

namespace d2l {
namespace {

// A row vector, as the result of a reduction over the first axis.
View as_row(Tensor& vector) {
  View view = vector.view();
  view.shape = Shape{1, vector.elements()};
  return view;
}

// [..., c] as [rows, c]; AnyView is View or ConstView.
template <class AnyView>
AnyView as_matrix(AnyView view) {
  const int last = view.shape.rank() - 1;
  view.shape = Shape{view.shape.elements(0, last), view.shape[last]};
  return view;
}

}  // namespace

Variable matmul(const Variable& a, const Variable& b) {
  if (a.shape().rank() == 2 && b.shape().rank() == 1)
    return reshape(matmul(a, reshape(b, {b.shape()[0], 1})), {a.shape()[0]});
  check(a.shape().rank() == b.shape().rank() && a.shape().rank() >= 2,
        "matmul: expected two matrices or two batches of matrices, found ", a.shape(), " and ",
        b.shape());
  return Variable::result(matmul(a.value(), b.value()), {a, b}, [a, b](const Tensor& grad) {
    a.contribute([&](Tensor& out) {
      out.backend().matmul({.transpose_b = true}, grad.view(), b.value().view(), {}, out.view());
    });
    b.contribute([&](Tensor& out) {
      out.backend().matmul({.transpose_a = true}, a.value().view(), grad.view(), {}, out.view());
    });
  });
}

Variable dot(const Variable& a, const Variable& b) {
  check(a.shape().rank() == 1 && a.shape() == b.shape(),
        "dot: expected two vectors of the same length, found ", a.shape(), " and ", b.shape());
  return sum(a * b);
}

Variable linear(const Variable& x, const Variable& weight, const Variable& bias,
                Activation activation) {
  check(x.shape().rank() >= 1 && weight.shape().rank() == 2,
        "linear: expected x [..., in] and weight [out, in], found ", x.shape(), " and ",
        weight.shape());
  check(x.shape().size(-1) == weight.shape()[1], "linear: weight ", weight.shape(), " expects ",
        weight.shape()[1], " inputs, x ", x.shape(), " has ", x.shape().size(-1));
  Tensor b = bias.defined() ? bias.value() : Tensor();
  check(!b.defined() || b.shape() == Shape{weight.shape()[0]}, "linear: bias expects shape [",
        weight.shape()[0], "], found ", b.defined() ? b.shape() : Shape{});
  Tensor y(x.backend(), x.shape().with_size(x.shape().rank() - 1, weight.shape()[0]),
           x.value().dtype());
  y.backend().matmul({.transpose_b = true, .activation = activation}, as_matrix(x.value().view()),
                     weight.value().view(), view_or_none(b), as_matrix(y.view()));
  return Variable::result(
      y, {x, weight, bias}, [x, weight, bias, activation, y](const Tensor& grad_y) {
        Tensor before = gradient_before(activation, y, grad_y);
        const View grad = as_matrix(before.view());
        bias.contribute(
            [&](Tensor& out) { out.backend().reduce(Reduction::sum, grad, as_row(out)); });
        weight.contribute([&](Tensor& out) {
          out.backend().matmul({.transpose_a = true}, grad, as_matrix(x.value().view()), {},
                               out.view());
        });
        x.contribute([&](Tensor& out) {
          out.backend().matmul({}, grad, weight.value().view(), {}, as_matrix(out.view()));
        });
      });
}

}  // namespace d2l
