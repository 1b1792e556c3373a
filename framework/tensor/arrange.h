#pragma once

#include <initializer_list>
#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l {

// Functions that rearrange elements. Each returns a new tensor.

Tensor concat(const std::vector<Tensor>& parts, int axis = 0);
inline Tensor concat(std::initializer_list<Tensor> parts, int axis = 0) {
  return concat(std::vector<Tensor>(parts), axis);
}
Tensor stack(const std::vector<Tensor>& parts, int axis = 0);   // along a new axis
Tensor permute(const Tensor& x, const std::vector<int>& axes);  // result axis i is x's axes[i]
Tensor transpose(const Tensor& x);                              // swaps the last two axes
Tensor broadcast_to(const Tensor& x, const Shape& shape);
// x [count, ...], indices i64 [...] -> [indices..., ...]: element indices[i] of the first axis.
// Throws Error for an index outside [0, count). Waits for the device, since it reads the indices.
Tensor take(const Tensor& x, const Tensor& indices);
// i64 [...] -> f32 [..., classes]. Throws Error for a label outside [0, classes). Waits for the
// device, since it reads the labels.
Tensor one_hot(const Tensor& labels, int64_t classes);

}  // namespace d2l
