#pragma once

#include <optional>

#include "framework/backend/backend.h"
#include "framework/backend/scratch.h"

// For kernels that are not worth 16-bit versions: they work on f32 copies in scratch memory.
namespace d2l::cpu {

inline void convert(Backend& backend, ConstView from, View to) {
  const Strides strides = contiguous_strides(from.shape);
  backend.copy({from.data, from.dtype, from.shape, strides},
               {to.data, to.dtype, from.shape, strides}, false);
}

// The input as f32: itself, or a copy; nothing stays nothing.
class WidenedInput {
 public:
  WidenedInput(Backend& backend, ConstView view) : view_(view) {
    if (view.dtype == DType::f32) return;
    view_.dtype = DType::f32;
    if (!view) return;
    memory_.emplace(backend.pool(), view.elements());
    const View copy{memory_->data(), DType::f32, view.shape};
    convert(backend, view, copy);
    view_ = copy;
  }
  ConstView view() const { return view_; }

 private:
  ConstView view_;
  std::optional<Scratch<float>> memory_;
};

// f32 memory that becomes the output when this object goes; the output itself where it is f32.
class WidenedOutput {
 public:
  WidenedOutput(Backend& backend, View out) : backend_(backend), out_(out), view_(out) {
    if (out.dtype == DType::f32) return;
    memory_.emplace(backend.pool(), out.elements());
    view_ = {memory_->data(), DType::f32, out.shape};
  }
  ~WidenedOutput() {
    if (memory_) convert(backend_, view_, out_);
  }
  WidenedOutput(const WidenedOutput&) = delete;
  WidenedOutput& operator=(const WidenedOutput&) = delete;
  View view() const { return view_; }

 private:
  Backend& backend_;
  View out_, view_;
  std::optional<Scratch<float>> memory_;
};

}  // namespace d2l::cpu
