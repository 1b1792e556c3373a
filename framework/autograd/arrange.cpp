#include "framework/autograd/arrange.h"

#include "framework/autograd/elementwise.h"
#include "framework/tensor/arrange.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"

namespace d2l {
namespace {

// The shape of x with the reduced axes kept as 1.
Shape kept_shape(const Shape& shape, const std::vector<int>& axes) {
  Shape kept = shape;
  if (axes.empty())
    for (int axis = 0; axis < shape.rank(); ++axis) kept[axis] = 1;
  for (int axis : axes) kept[shape.axis_index(axis)] = 1;
  return kept;
}

}  // namespace

Variable reshape(const Variable& x, const std::vector<int64_t>& sizes) {
  return Variable::result(x.value().reshape(sizes), {x},
                          [x](const Tensor& grad) { x.contribute(grad.reshape(x.shape())); });
}

Variable flatten(const Variable& x) {
  const Shape& shape = x.shape();
  check(shape.rank() >= 1, "flatten: expected at least one axis, found a scalar");
  return reshape(x, {shape[0], shape.elements(1, shape.rank())});
}

Variable get(const Variable& x, const std::vector<Index>& indices) {
  return Variable::result(get(x.value(), indices), {x}, [x, indices](const Tensor& grad) {
    if (grad.dtype() != DType::f32) {  // elements that were selected twice are added in f32
      if (!x.requires_grad()) return;
      Tensor wide = zeros(grad.backend(), x.shape());
      add_at(wide, indices, grad.cast(DType::f32));
      return x.contribute(wide);
    }
    x.contribute([&](Tensor& out) {
      out.backend().fill(out.view(), 0);
      add_at(out, indices, grad);
    });
  });
}

Variable concat(const std::vector<Variable>& parts, int axis) {
  std::vector<Tensor> values;
  values.reserve(parts.size());
  for (const Variable& part : parts) values.push_back(part.value());
  Tensor whole = concat(values, axis);
  int along = whole.shape().axis_index(axis);
  return Variable::result(whole, parts, [parts, along](const Tensor& grad) {
    int64_t begin = 0;
    for (const Variable& part : parts) {
      int64_t end = begin + part.shape()[along];
      if (part.requires_grad()) {
        std::vector<Index> indices(along);
        indices.emplace_back(begin, end);
        part.contribute(get(grad, indices));
      }
      begin = end;
    }
  });
}

Variable transpose(const Variable& x) {
  return Variable::result(transpose(x.value()), {x},
                          [x](const Tensor& grad) { x.contribute(transpose(grad)); });
}

Variable cast(const Variable& x, DType dtype) {
  if (x.value().dtype() == dtype) return x;
  return Variable::result(x.value().cast(dtype), {x},
                          [x](const Tensor& grad) { x.contribute(grad); });
}

Variable sum(const Variable& x, const std::vector<int>& axes, KeepDims keep) {
  return Variable::result(sum(x.value(), axes, keep), {x}, [x, axes](const Tensor& grad) {
    if (x.requires_grad())
      x.contribute(broadcast_to(grad.reshape(kept_shape(x.shape(), axes)), x.shape()));
  });
}

Variable mean(const Variable& x, const std::vector<int>& axes, KeepDims keep) {
  // Not sum(x) / count, since a sum may overflow 16 bits.
  return Variable::result(mean(x.value(), axes, keep), {x}, [x, axes](const Tensor& grad) {
    if (!x.requires_grad()) return;
    const Shape kept = kept_shape(x.shape(), axes);
    const double count =
        static_cast<double>(x.shape().elements()) / static_cast<double>(kept.elements());
    x.contribute(broadcast_to((grad / count).reshape(kept), x.shape()));
  });
}

Variable cumsum(const Variable& x, int axis) {
  return Variable::result(cumsum(x.value(), axis), {x}, [x, axis](const Tensor& grad) {
    x.contribute(cumsum(grad, axis, true));
  });
}

}  // namespace d2l
