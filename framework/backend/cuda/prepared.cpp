#include "framework/backend/cuda/prepared.h"

#include <algorithm>

namespace d2l::cuda {
namespace {

bool suits(const ConstView& view, const OperandRequirements& required) {
  return view.dtype == required.dtype && alignment_of(view.data) >= required.alignment;
}

Scratch<char> scratch_for(CudaBackend& backend, const Shape& shape, DType dtype) {
  return {backend.pool(), shape.elements() * static_cast<int64_t>(size_of(dtype))};
}

void convert(CudaBackend& backend, ConstView from, View to) {
  const Strides strides = contiguous_strides(from.shape);
  backend.copy({from.data, from.dtype, from.shape, strides}, {to.data, to.dtype, to.shape, strides},
               false);
}

}  // namespace

int64_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<uintptr_t>(data);
  return static_cast<int64_t>(std::min<uintptr_t>(address & (~address + 1), 256));
}

PreparedInput::PreparedInput(CudaBackend& backend, ConstView view,
                             const OperandRequirements& required)
    : view_(view) {
  if (!view || suits(view, required)) return;
  const ConstView rounded = backend.rounded(view, required.dtype);
  if (rounded && suits(rounded, required)) {
    view_ = rounded;
    return;
  }
  memory_ = scratch_for(backend, view.shape, required.dtype);
  const View copy{memory_->data(), required.dtype, view.shape};
  convert(backend, view, copy);
  view_ = copy;
}

PreparedOutput::PreparedOutput(CudaBackend& backend, View out, const OperandRequirements& required,
                               bool accumulate)
    : backend_(backend), out_(out), view_(out) {
  if (suits(out, required)) return;
  memory_ = scratch_for(backend, out.shape, required.dtype);
  view_ = {memory_->data(), required.dtype, out.shape};
  if (accumulate) convert(backend, out, view_);
}

void PreparedOutput::finish() {
  if (memory_) convert(backend_, view_, out_);
}

}  // namespace d2l::cuda
