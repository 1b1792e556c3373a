#pragma once

#include <optional>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l {

struct All {};  // [:]

// An index along one axis, as in Python: Index(2) selects one element and drops the axis, Index(1,
// 3) is [1:3], Index(0, {}, 2) is [::2], Index() is [:]. Negative positions count from the end. A
// step may be negative.
class Index {
 public:
  Index() = default;
  Index(All) {}
  Index(int64_t element) : begin_(element), drop_(true) {}
  Index(std::optional<int64_t> begin, std::optional<int64_t> end, int64_t step = 1)
      : begin_(begin), end_(end), step_(step) {}

  bool drops_axis() const { return drop_; }
  struct Range {
    int64_t first, count, step;
  };
  // The range that it selects from an axis of `size` elements. Throws Error for an element out of
  // range or a step of 0. Ranges are clipped as in Python.
  Range resolve(int64_t size) const;

 private:
  std::optional<int64_t> begin_, end_;
  int64_t step_ = 1;
  bool drop_ = false;
};

// get(x, {1}), get(x, {Index(), 1}), get(x, {Index(1, 3), Index(1, {})}). Axes without an index are
// taken whole. Returns a new tensor.
Tensor get(const Tensor& x, const std::vector<Index>& indices);
// x[indices] = value; the value is broadcast.
void assign(Tensor& x, const std::vector<Index>& indices, const Tensor& value);
void assign(Tensor& x, const std::vector<Index>& indices, double value);
// x[indices] += value, which has the shape of the selection. The derivative of get().
void add_at(Tensor& x, const std::vector<Index>& indices, const Tensor& value);

}  // namespace d2l
