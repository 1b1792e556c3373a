#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string>
#include <vector>

namespace d2l {

// The sizes of a tensor's axes, outermost first. At most kMaxRank axes; allocates no memory. A
// shape without axes is a scalar and has one element.
class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes);
  explicit Shape(const std::vector<int64_t>& sizes);

  int rank() const { return rank_; }
  // Negative axes count from the last: shape.size(-1). Throws Error when out of range.
  int64_t size(int axis) const { return sizes_[axis_index(axis)]; }
  int64_t operator[](int axis) const { return sizes_[axis]; }
  int64_t& operator[](int axis) { return sizes_[axis]; }
  int64_t elements() const;
  // The product of the sizes of axes [first, last).
  int64_t elements(int first, int last) const;
  // Turns -1 into rank() - 1 and so on. Throws Error when out of range.
  int axis_index(int axis) const;

  void append(int64_t size);
  // [2, 3, 4].without_axis(1) == [2, 4]
  Shape without_axis(int axis) const;
  Shape with_size(int axis, int64_t size) const;
  // [3, 4].with_front(2) == [2, 3, 4]
  Shape with_front(int64_t size) const;

  bool operator==(const Shape& other) const;
  std::string to_string() const;  // "[2, 3, 4]"

  const int64_t* begin() const { return sizes_.data(); }
  const int64_t* end() const { return sizes_.data() + rank_; }

 private:
  std::array<int64_t, kMaxRank> sizes_{};
  int rank_ = 0;
};

std::ostream& operator<<(std::ostream& stream, const Shape& shape);

// NumPy's broadcasting rule: shapes are aligned at the last axis; sizes must be equal or 1. Throws
// Error with both shapes.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace d2l
