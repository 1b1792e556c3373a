#pragma once

#include <algorithm>
#include <optional>

#include "framework/backend/backend.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/scratch.h"

// f32 copies in scratch memory, for kernels that have no 16-bit version.
namespace d2l::cpu {

template <class From, class To>
void convert_all(const From* from, int64_t count, To* to) {
  parallel_for(count, kGrain,
               [&](int64_t begin, int64_t end) { convert(from + begin, end - begin, to + begin); });
}

inline void convert(Backend& backend, ConstView from, View to) {
  if (from.dtype == DType::bf16 && to.dtype == DType::f32)
    return convert_all(from.as<Bfloat16>(), from.elements(), to.as<float>());
  if (from.dtype == DType::f32 && to.dtype == DType::bf16)
    return convert_all(from.as<float>(), from.elements(), to.as<Bfloat16>());
  const Strides strides = contiguous_strides(from.shape);
  backend.copy({from.data, from.dtype, from.shape, strides},
               {to.data, to.dtype, from.shape, strides}, false);
}

// The input as f32: the input itself if it is f32, else a copy. {} stays {}.
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

// f32 memory that the destructor converts to the output; the output itself if it is f32.
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

// Rows [first, first + count) of the first axis.
template <class AnyView>
AnyView part_of(const AnyView& view, int64_t first, int64_t count) {
  if (!view) return view;
  const int64_t row = view.shape.elements(1, view.shape.rank());
  auto* data =
      view.template as<const std::byte>() + first * row * static_cast<int64_t>(size_of(view.dtype));
  return AnyView{const_cast<std::byte*>(data), view.dtype, view.shape.with_size(0, count)};
}

// Calls body(first, count) for slices of [0, items) of about equal size. A slice has at least
// `fewest` items per thread, or more if their f32 copies (`elements_of_item` each) still fit into
// the caches of the cores of so many threads.
template <class Body>
void for_slices(int64_t items, int64_t elements_of_item, int64_t fewest, int threads,
                const Body& body) {
  constexpr int64_t kCache = 1 << 17;  // elements, for each core
  const int64_t most = threads * std::max(fewest, kCache / std::max<int64_t>(elements_of_item, 1));
  const int64_t slices = (items + most - 1) / most;
  for (int64_t i = 0; i < slices; ++i) {
    const int64_t first = items * i / slices, end = items * (i + 1) / slices;
    body(first, end - first);
  }
}

}  // namespace d2l::cpu
