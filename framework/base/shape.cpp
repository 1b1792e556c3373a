#include "framework/base/shape.h"

#include <algorithm>

#include "framework/base/error.h"

namespace d2l {

Shape::Shape(std::initializer_list<int64_t> sizes) {
  for (int64_t size : sizes) append(size);
}

Shape::Shape(const std::vector<int64_t>& sizes) {
  for (int64_t size : sizes) append(size);
}

int64_t Shape::elements() const { return elements(0, rank_); }

int64_t Shape::elements(int first, int last) const {
  int64_t product = 1;
  for (int axis = first; axis < last; ++axis) product *= sizes_[axis];
  return product;
}

int Shape::axis_index(int axis) const {
  int index = axis < 0 ? axis + rank_ : axis;
  check(index >= 0 && index < rank_, "axis ", axis, " is outside a shape of rank ", rank_, " ",
        to_string());
  return index;
}

void Shape::append(int64_t size) {
  check(rank_ < kMaxRank, "a tensor has at most ", kMaxRank, " axes, found more after ",
        to_string());
  check(size >= 0, "a size must not be negative, found ", size, " after ", to_string());
  sizes_[rank_++] = size;
}

Shape Shape::without_axis(int axis) const {
  int gone = axis_index(axis);
  Shape result;
  for (int i = 0; i < rank_; ++i)
    if (i != gone) result.append(sizes_[i]);
  return result;
}

Shape Shape::with_size(int axis, int64_t size) const {
  Shape result = *this;
  result.sizes_[axis_index(axis)] = size;
  return result;
}

Shape Shape::with_front(int64_t size) const {
  Shape result{size};
  for (const int64_t own : *this) result.append(own);
  return result;
}

bool Shape::operator==(const Shape& other) const {
  return rank_ == other.rank_ && std::equal(begin(), end(), other.begin());
}

std::string Shape::to_string() const {
  std::string text = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(sizes_[axis]);
  }
  return text + "]";
}

std::ostream& operator<<(std::ostream& stream, const Shape& shape) {
  return stream << shape.to_string();
}

Shape broadcast(const Shape& a, const Shape& b) {
  Shape result = a.rank() >= b.rank() ? a : b;
  for (int i = 1; i <= result.rank(); ++i) {
    int64_t size_a = i <= a.rank() ? a[a.rank() - i] : 1;
    int64_t size_b = i <= b.rank() ? b[b.rank() - i] : 1;
    check(size_a == size_b || size_a == 1 || size_b == 1, "shapes ", a, " and ", b,
          " do not broadcast: sizes ", size_a, " and ", size_b, " differ and neither is 1");
    result[result.rank() - i] = size_a == 1 ? size_b : size_a;
  }
  return result;
}

}  // namespace d2l
