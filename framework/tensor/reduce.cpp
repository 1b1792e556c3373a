#include "framework/tensor/reduce.h"

#include "framework/tensor/checks.h"
#include "framework/tensor/elementwise.h"

namespace d2l {

namespace {

struct Reduced {
  Shape kept;     // reduced axes have size 1
  Shape dropped;  // without the reduced axes
};

Reduced reduced_shapes(const char* name, const Shape& shape, const std::vector<int>& axes) {
  std::vector<bool> gone(static_cast<size_t>(shape.rank()), axes.empty());
  for (int axis : axes) {
    auto position = static_cast<size_t>(check_axis(name, axis, shape));
    check(!gone[position], name, ": axis ", axis, " of ", shape, " is named twice");
    gone[position] = true;
  }
  Reduced result;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    bool reduced = gone[static_cast<size_t>(axis)];
    result.kept.append(reduced ? 1 : shape[axis]);
    if (!reduced) result.dropped.append(shape[axis]);
  }
  return result;
}

Tensor reduce(const char* name, Reduction op, const Tensor& x, const std::vector<int>& axes,
              KeepDims keep) {
  check_floats(name, x);
  Reduced shapes = reduced_shapes(name, x.shape(), axes);
  Tensor result(x.backend(), shapes.kept, x.dtype());
  if (x.elements() > 0) {
    x.backend().reduce(op, x.view(), result.view());
  } else if (result.elements() > 0) {
    check(op == Reduction::sum, name, ": ", x.shape(), " has no elements along the axes");
    x.backend().fill(result.view(), 0);
  }
  return keep == KeepDims::yes ? result : result.reshape(shapes.dropped);
}

}  // namespace

Tensor sum(const Tensor& x, const std::vector<int>& axes, KeepDims keep) {
  return reduce("sum", Reduction::sum, x, axes, keep);
}

Tensor mean(const Tensor& x, const std::vector<int>& axes, KeepDims keep) {
  return reduce("mean", Reduction::mean, x, axes, keep);
}

Tensor max(const Tensor& x, const std::vector<int>& axes, KeepDims keep) {
  return reduce("max", Reduction::max, x, axes, keep);
}

Tensor min(const Tensor& x, const std::vector<int>& axes, KeepDims keep) {
  return reduce("min", Reduction::min, x, axes, keep);
}

Tensor argmax(const Tensor& x, int axis) {
  check_dtype("argmax", x, DType::f32);
  int along = check_axis("argmax", axis, x.shape());
  Tensor result(x.backend(), x.shape().without_axis(along), DType::i64);
  if (result.elements() == 0) return result;
  check(x.shape()[along] > 0, "argmax: ", x.shape(), " has no elements along axis ", axis);
  x.backend().argmax(x.view(), along, result.view());
  return result;
}

Tensor cumsum(const Tensor& x, int axis, bool reverse) {
  check_dtype("cumsum", x, DType::f32);
  int along = check_axis("cumsum", axis, x.shape());
  Tensor result(x.backend(), x.shape());
  if (result.elements() > 0) x.backend().cumsum(x.view(), along, reverse, result.view());
  return result;
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  check_floats("sum_to", x);
  check_broadcasts_to("sum_to", shape, x.shape());
  Shape kept = x.shape();
  for (int i = 1; i <= kept.rank(); ++i)
    kept[kept.rank() - i] = i <= shape.rank() ? shape[shape.rank() - i] : 1;
  if (kept == x.shape()) return x.clone().reshape(shape);
  Tensor result(x.backend(), kept, x.dtype());
  if (x.elements() > 0)
    x.backend().reduce(Reduction::sum, x.view(), result.view());
  else if (result.elements() > 0)
    x.backend().fill(result.view(), 0);
  return result.reshape(shape);
}

Tensor norm_l1(const Tensor& x) {
  check_dtype("norm_l1", x, DType::f32);
  return sum(abs(x));
}

Tensor norm_l2(const Tensor& x) {
  check_dtype("norm_l2", x, DType::f32);
  return sqrt(sum(square(x)));
}

}  // namespace d2l
