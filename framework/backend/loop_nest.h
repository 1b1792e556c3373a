#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "framework/backend/view.h"

namespace d2l {

// Nested loops over several arrays together: sizes, outermost first, and for each array the stride
// along each axis. Axes of size 1 are dropped, and adjacent axes that are contiguous in all arrays
// are merged, so that inner loops are as long as possible. Sizes must not be 0.
template <int kArrays>
class LoopNest {
 public:
  using Steps = std::array<int64_t, kArrays>;

  // Adds an axis as the new innermost axis.
  void append(int64_t size, const Steps& steps) {
    if (size == 1) return;
    if (rank_ > 0 && continues(size, steps)) {
      sizes_[rank_ - 1] *= size;
    } else {
      sizes_[rank_++] = size;
    }
    steps_[rank_ - 1] = steps;
  }

  int rank() const { return rank_; }
  int64_t size(int axis) const { return sizes_[axis]; }
  const Steps& steps(int axis) const { return steps_[axis]; }

  // Exchanges two axes: visits the same elements in another order.
  void swap(int a, int b) {
    std::swap(sizes_[a], sizes_[b]);
    std::swap(steps_[a], steps_[b]);
  }

  // The innermost axis is called columns, the one around it rows.
  int64_t columns() const { return rank_ > 0 ? sizes_[rank_ - 1] : 1; }
  Steps column_steps() const { return rank_ > 0 ? steps_[rank_ - 1] : ones(); }
  Steps row_steps() const { return rank_ > 1 ? steps_[rank_ - 2] : Steps{}; }
  // The number of rows, over all outer axes.
  int64_t rows() const {
    int64_t product = 1;
    for (int axis = 0; axis < rank_ - 1; ++axis) product *= sizes_[axis];
    return product;
  }

  // Calls body(offsets, row, count) for runs of rows [row, row + count) in [begin, end) with a
  // constant distance row_steps(). offsets point to the run's first element in each array.
  template <class Body>
  void for_row_runs(int64_t begin, int64_t end, const Body& body) const {
    for (int64_t row = begin; row < end;) {
      int64_t rest = row, at = 0, run = 1;
      Steps offsets{};
      for (int axis = rank_ - 2; axis >= 0; --axis) {
        int64_t index = rest % sizes_[axis];
        rest /= sizes_[axis];
        if (axis == rank_ - 2) {
          at = index;
          run = sizes_[axis];
        }
        for (int k = 0; k < kArrays; ++k) offsets[k] += index * steps_[axis][k];
      }
      int64_t count = std::min(run - at, end - row);
      body(offsets, row, count);
      row += count;
    }
  }

 private:
  static Steps ones() {
    Steps steps;
    steps.fill(1);
    return steps;
  }
  bool continues(int64_t size, const Steps& steps) const {
    for (int k = 0; k < kArrays; ++k)
      if (steps_[rank_ - 1][k] != size * steps[k]) return false;
    return true;
  }

  int rank_ = 0;
  std::array<int64_t, Shape::kMaxRank> sizes_{};
  std::array<Steps, Shape::kMaxRank> steps_{};
};

}  // namespace d2l
