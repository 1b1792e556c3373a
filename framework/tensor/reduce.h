#pragma once

#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l {

enum class KeepDims : bool { no, yes };

// Reduce the given axes (negative: from the last), or all axes if `axes` is empty. The sum of no
// elements is 0; mean, max and min of no elements throw Error.
Tensor sum(const Tensor& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);
Tensor mean(const Tensor& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);
Tensor max(const Tensor& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);
Tensor min(const Tensor& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);

Tensor argmax(const Tensor& x, int axis = -1);  // i64, without the axis
Tensor cumsum(const Tensor& x, int axis, bool reverse = false);

// Sums x to `shape`, which broadcasts to x's shape: the derivative of broadcasting. Always returns
// new memory, even if the shapes are equal.
Tensor sum_to(const Tensor& x, const Shape& shape);

Tensor norm_l1(const Tensor& x);  // sum of absolute values
Tensor norm_l2(const Tensor& x);  // square root of the sum of squares; Frobenius norm of matrices

}  // namespace d2l
