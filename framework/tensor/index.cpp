#include "framework/tensor/index.h"

#include <algorithm>

#include "framework/tensor/checks.h"
#include "framework/tensor/create.h"
#include "framework/tensor/strided.h"

namespace d2l {

Index::Range Index::resolve(int64_t size) const {
  if (drop_) {
    int64_t position = *begin_ < 0 ? *begin_ + size : *begin_;
    check(position >= 0 && position < size, "index ", *begin_, " is outside an axis of ", size,
          " elements");
    return {position, 1, 1};
  }
  check(step_ != 0, "the step of an index must not be 0");
  // A backward range may end before element 0, and starts at the last element at most.
  int64_t lowest = step_ > 0 ? 0 : -1, highest = step_ > 0 ? size : size - 1;
  auto clip = [&](int64_t position) {
    return std::clamp(position < 0 ? position + size : position, lowest, highest);
  };
  int64_t first = begin_ ? clip(*begin_) : (step_ > 0 ? lowest : highest);
  int64_t end = end_ ? clip(*end_) : (step_ > 0 ? highest : lowest);
  int64_t distance = step_ > 0 ? end - first : first - end;
  if (distance <= 0) return {first, 0, 1};
  // Avoids -step_, which overflows for the smallest integer.
  int64_t count = step_ > 0 ? (distance - 1) / step_ + 1 : 1 - (distance - 1) / step_;
  return {first, count, count > 1 ? step_ : 1};
}

namespace {

Selection resolve(const char* name, const Tensor& x, const std::vector<Index>& indices) {
  check(x.defined(), name, ": expected a tensor, found an undefined one");
  check(indices.size() <= static_cast<size_t>(x.rank()), name, ": ", indices.size(),
        " indices for ", x.shape(), ", which has ", x.rank(), " axes");
  Strides strides = contiguous_strides(x.shape());
  Selection part;
  for (int axis = 0; axis < x.rank(); ++axis) {
    size_t position = static_cast<size_t>(axis);
    Index index = position < indices.size() ? indices[position] : Index();
    Index::Range range;
    try {
      range = index.resolve(x.shape()[axis]);
    } catch (const Error& error) {
      fail(name, ": axis ", axis, " of ", x.shape(), ": ", error.what());
    }
    part.offset += range.first * strides[position];
    if (index.drops_axis()) continue;
    part.strides[static_cast<size_t>(part.shape.rank())] = range.step * strides[position];
    part.shape.append(range.count);
  }
  return part;
}

}  // namespace

Tensor get(const Tensor& x, const std::vector<Index>& indices) {
  Selection part = resolve("get", x, indices);
  Tensor result(x.backend(), part.shape, x.dtype());
  if (result.elements() > 0)
    x.backend().copy(select(x.view(), part), select(result.view(), whole(part.shape)), false);
  return result;
}

void assign(Tensor& x, const std::vector<Index>& indices, const Tensor& value) {
  check_same_backend("assign", x, value);
  Selection part = resolve("assign", x, indices);
  check_broadcasts_to("assign", value.shape(), part.shape);
  if (part.shape.elements() == 0) return;
  const Tensor source = disjoint_from(x, value);
  Selection wide = broadcast_selection(source.shape(), part.shape);
  x.backend().copy(select(source.view(), wide), select(x.view(), part), false);
}

void assign(Tensor& x, const std::vector<Index>& indices, double value) {
  check(x.defined(), "assign: expected a tensor, found an undefined one");
  assign(x, indices, full(x.backend(), {}, value, x.dtype()));
}

void add_at(Tensor& x, const std::vector<Index>& indices, const Tensor& value) {
  check_dtype("add_at", x, DType::f32);
  check_dtype("add_at", value, DType::f32);
  check_same_backend("add_at", x, value);
  Selection part = resolve("add_at", x, indices);
  check(value.shape() == part.shape, "add_at: ", x.shape(), " has ", part.shape,
        " at these indices, the value is ", value.shape());
  if (part.shape.elements() == 0) return;
  const Tensor source = disjoint_from(x, value);
  x.backend().copy(select(source.view(), whole(part.shape)), select(x.view(), part), true);
}

}  // namespace d2l
