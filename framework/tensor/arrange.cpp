#include "framework/tensor/arrange.h"

#include <numeric>

#include "framework/tensor/checks.h"
#include "framework/tensor/create.h"
#include "framework/tensor/strided.h"

namespace d2l {

namespace {

Tensor copy_of(const Tensor& x, const Selection& part) {
  Tensor result(x.backend(), part.shape, x.dtype());
  if (result.elements() > 0)
    x.backend().copy(select(x.view(), part), select(result.view(), whole(part.shape)), false);
  return result;
}

// The shape of all parts concatenated along `axis`.
Shape joined_shape(const std::vector<Tensor>& parts, int axis) {
  Shape joined = parts[0].shape();
  for (size_t i = 1; i < parts.size(); ++i) {
    const Tensor &first = parts[0], &part = parts[i];
    check_same_backend("concat", first, part);
    check(part.dtype() == first.dtype(), "concat: part 0 is ", to_string(first.dtype()), ", part ",
          i, " is ", to_string(part.dtype()));
    check(part.rank() == first.rank() &&
              part.shape().with_size(axis, 0) == first.shape().with_size(axis, 0),
          "concat: part 0 is ", first.shape(), ", part ", i, " is ", part.shape(),
          ": they may only differ along axis ", axis);
    joined[axis] += part.shape()[axis];
  }
  return joined;
}

}  // namespace

Tensor concat(const std::vector<Tensor>& parts, int axis) {
  check(!parts.empty() && parts[0].defined(), "concat: expected at least one tensor, found none");
  int along = check_axis("concat", axis, parts[0].shape());
  Shape joined = joined_shape(parts, along);
  Tensor result(parts[0].backend(), joined, parts[0].dtype());
  Selection place = whole(joined);
  for (const Tensor& part : parts) {
    place.shape[along] = part.shape()[along];
    if (part.elements() > 0)
      result.backend().copy(select(part.view(), whole(part.shape())), select(result.view(), place),
                            false);
    place.offset += part.shape()[along] * place.strides[static_cast<size_t>(along)];
  }
  return result;
}

Tensor stack(const std::vector<Tensor>& parts, int axis) {
  check(!parts.empty() && parts[0].defined(), "stack: expected at least one tensor, found none");
  const Shape& shape = parts[0].shape();
  int along = axis < 0 ? axis + shape.rank() + 1 : axis;
  check(along >= 0 && along <= shape.rank(), "stack: the new axis ", axis, " is outside ", shape,
        ", which has room for ", shape.rank() + 1);
  std::vector<int64_t> sizes(shape.begin(), shape.end());
  sizes.insert(sizes.begin() + along, 1);
  Shape thick(sizes);
  std::vector<Tensor> layers;
  for (const Tensor& part : parts) {
    check(part.defined() && part.shape() == shape, "stack: part 0 is ", shape, ", part ",
          layers.size(), " is ", part.defined() ? part.shape().to_string() : "undefined");
    layers.push_back(part.reshape(thick));
  }
  return concat(layers, along);
}

Tensor permute(const Tensor& x, const std::vector<int>& axes) {
  check(x.defined(), "permute: expected a tensor, found an undefined one");
  check(axes.size() == static_cast<size_t>(x.rank()), "permute: ", x.shape(), " has ", x.rank(),
        " axes, found an order of ", axes.size());
  Strides strides = contiguous_strides(x.shape());
  Selection part;
  std::vector<bool> used(axes.size(), false);
  for (int wanted : axes) {
    int axis = check_axis("permute", wanted, x.shape());
    auto position = static_cast<size_t>(axis);
    check(!used[position], "permute: axis ", wanted, " of ", x.shape(), " is named twice");
    used[position] = true;
    part.strides[static_cast<size_t>(part.shape.rank())] = strides[position];
    part.shape.append(x.shape()[axis]);
  }
  return copy_of(x, part);
}

Tensor transpose(const Tensor& x) {
  check(x.defined() && x.rank() >= 2, "transpose: expected at least 2 axes, found ",
        x.defined() ? x.shape().to_string() : "an undefined tensor");
  std::vector<int> axes(static_cast<size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return permute(x, axes);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  check(x.defined(), "broadcast_to: expected a tensor, found an undefined one");
  check_broadcasts_to("broadcast_to", x.shape(), shape);
  return copy_of(x, broadcast_selection(x.shape(), shape));
}

Tensor take(const Tensor& x, const Tensor& indices) {
  const Shape& whole = x.shape();
  check(whole.rank() >= 1, "take: expected a tensor with axes, found a scalar");
  check_dtype("take: indices", indices, DType::i64);
  const std::vector<int64_t> chosen = indices.to_vector<int64_t>();
  for (size_t i = 0; i < chosen.size(); ++i)
    check(chosen[i] >= 0 && chosen[i] < whole[0], "take: index ", chosen[i], " at position ", i,
          " is outside the ", whole[0], " elements of the first axis");
  Shape shape = indices.shape();
  for (int axis = 1; axis < whole.rank(); ++axis) shape.append(whole[axis]);
  Tensor y(x.backend(), shape, x.dtype());
  y.backend().gather_rows(x.view(), indices.view(), y.view());
  return y;
}

Tensor one_hot(const Tensor& labels, int64_t classes) {
  check_dtype("one_hot", labels, DType::i64);
  Shape shape = labels.shape();
  shape.append(classes);
  std::vector<int64_t> chosen = labels.to_vector<int64_t>();
  std::vector<float> values(static_cast<size_t>(shape.elements()), 0.0f);
  for (size_t i = 0; i < chosen.size(); ++i) {
    check(chosen[i] >= 0 && chosen[i] < classes, "one_hot: label ", chosen[i], " at position ", i,
          " is outside the ", classes, " classes");
    values[i * static_cast<size_t>(classes) + static_cast<size_t>(chosen[i])] = 1;
  }
  return from_vector(labels.backend(), shape, values);
}

}  // namespace d2l
