#pragma once

#include "framework/tensor/tensor.h"

namespace d2l {

// A part of a tensor's elements: offset + sum(index[axis] * strides[axis]), in elements.
struct Selection {
  int64_t offset = 0;
  Shape shape;
  Strides strides{};
};

inline Selection whole(const Shape& shape) { return {0, shape, contiguous_strides(shape)}; }

inline StridedView select(View view, const Selection& part) {
  char* start = static_cast<char*>(view.data);
  return {start + part.offset * static_cast<int64_t>(size_of(view.dtype)), view.dtype, part.shape,
          part.strides};
}

inline ConstStridedView select(ConstView view, const Selection& part) {
  const char* start = static_cast<const char*>(view.data);
  return {start + part.offset * static_cast<int64_t>(size_of(view.dtype)), view.dtype, part.shape,
          part.strides};
}

// The elements of `shape`, broadcast to `wider`: repeated axes have stride 0.
inline Selection broadcast_selection(const Shape& shape, const Shape& wider) {
  Selection part{0, wider, {}};
  Strides strides = contiguous_strides(shape);
  for (int i = 1; i <= shape.rank(); ++i)
    if (shape[shape.rank() - i] != 1) part.strides[wider.rank() - i] = strides[shape.rank() - i];
  return part;
}

}  // namespace d2l
