#pragma once

#include <vector>

#include "framework/tensor/tensor.h"

namespace d2l {

enum class KeepDims : bool { no, yes };

// Over the named axes (negative: from the last); over all when `axes` is empty. The sum of nothing
// is 0; the mean, max and min of nothing throw Error.
Tensor sum(const Tensor& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);
Tensor mean(const Tensor& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);
Tensor max(const Tensor& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);
Tensor min(const Tensor& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);

Tensor argmax(const Tensor& x, int axis = -1);  // i64, without the axis
Tensor cumsum(const Tensor& x, int axis, bool reverse = false);

// Sums x down to `shape`, from which it had been broadcast: the derivative of broadcasting. Always
// new memory, also when the shapes are equal.
Tensor sum_to(const Tensor& x, const Shape& shape);

Tensor norm_l1(const Tensor& x);  // sum of absolute values
Tensor norm_l2(const Tensor& x);  // root of the sum of squares; Frobenius' norm for matrices

}  // namespace d2l
