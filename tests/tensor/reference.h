#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "framework/base/shape.h"
#include "framework/tensor/create.h"

namespace d2l::test {

// Calls visit(position) for every index of `shape` in row-major order: the slow and simple
// reference of the fuzz tests.
inline void for_each_index(const Shape& shape,
                           const std::function<void(const std::vector<int64_t>&)>& visit) {
  if (shape.elements() == 0) return;
  std::vector<int64_t> index(static_cast<size_t>(shape.rank()), 0);
  while (true) {
    visit(index);
    int axis = shape.rank() - 1;
    for (; axis >= 0; --axis) {
      auto position = static_cast<size_t>(axis);
      if (++index[position] < shape[axis]) break;
      index[position] = 0;
    }
    if (axis < 0) return;
  }
}

// The element number of `index` in a row-major `shape` with broadcasting: ignores the index along
// axes of size 1 and leading axes that `shape` does not have.
inline size_t element_of(const Shape& shape, const std::vector<int64_t>& index) {
  int64_t element = 0;
  size_t skipped = index.size() - static_cast<size_t>(shape.rank());
  for (int axis = 0; axis < shape.rank(); ++axis) {
    int64_t at = shape[axis] == 1 ? 0 : index[skipped + static_cast<size_t>(axis)];
    element = element * shape[axis] + at;
  }
  return static_cast<size_t>(element);
}

class Dice {
 public:
  explicit Dice(uint32_t seed) : engine_(seed) {}
  // Includes both ends.
  int64_t between(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(engine_);
  }
  bool chance(double p) { return std::bernoulli_distribution(p)(engine_); }
  Shape shape(int max_rank, int64_t max_size, int64_t min_size = 1) {
    Shape result;
    for (int64_t axes = between(0, max_rank); axes > 0; --axes)
      result.append(between(min_size, max_size));
    return result;
  }
  std::vector<float> values(int64_t count) {
    std::vector<float> result(static_cast<size_t>(count));
    for (float& value : result) value = static_cast<float>(between(-50, 50)) / 4;
    return result;
  }

 private:
  std::mt19937 engine_;
};

}  // namespace d2l::test
