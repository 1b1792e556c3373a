#pragma once

#include <vector>

#include "framework/autograd/variable.h"
#include "framework/tensor/index.h"
#include "framework/tensor/reduce.h"

namespace d2l {

// Differentiable functions that rearrange or reduce elements; see the functions of tensors.
Variable reshape(const Variable& x, const std::vector<int64_t>& sizes);
Variable flatten(const Variable& x);  // [n, ...] -> [n, the rest]
Variable get(const Variable& x, const std::vector<Index>& indices);
Variable concat(const std::vector<Variable>& parts, int axis = 0);
Variable transpose(const Variable& x);
Variable cast(const Variable& x, DType dtype);  // between f32, bf16 and f16
// For operations whose kernels support only f32: function(x as f32), converted back to x's dtype.
template <class Function>
Variable in_f32(const Variable& x, const Function& function) {
  return cast(function(cast(x, DType::f32)), x.value().dtype());
}

Variable sum(const Variable& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);
Variable mean(const Variable& x, const std::vector<int>& axes = {}, KeepDims keep = KeepDims::no);
Variable cumsum(const Variable& x, int axis);

}  // namespace d2l
