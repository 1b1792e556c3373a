#pragma once

#include <array>
#include <cstdint>

#include "framework/base/dtype.h"
#include "framework/base/shape.h"

namespace d2l {

// A tensor as kernels see it: contiguous row-major elements, owned by somebody else.
struct View {
  void* data = nullptr;
  DType dtype = DType::f32;
  Shape shape;

  int64_t elements() const { return shape.elements(); }
  int64_t bytes() const { return elements() * static_cast<int64_t>(size_of(dtype)); }
  explicit operator bool() const { return data != nullptr; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

// A read-only View. An empty one ({}) means that an optional input is absent.
struct ConstView {
  const void* data = nullptr;
  DType dtype = DType::f32;
  Shape shape;

  ConstView() = default;
  ConstView(const View& view) : data(view.data), dtype(view.dtype), shape(view.shape) {}
  ConstView(const void* at, DType type, const Shape& sizes) : data(at), dtype(type), shape(sizes) {}

  int64_t elements() const { return shape.elements(); }
  int64_t bytes() const { return elements() * static_cast<int64_t>(size_of(dtype)); }
  explicit operator bool() const { return data != nullptr; }
  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
};

// Distances between neighbours along each axis, in elements. Negative and zero strides are allowed.
using Strides = std::array<int64_t, Shape::kMaxRank>;

Strides contiguous_strides(const Shape& shape);

// Elements at data + sum(index[axis] * strides[axis]); `data` is the element with index 0.
struct StridedView {
  void* data = nullptr;
  DType dtype = DType::f32;
  Shape shape;
  Strides strides{};
};

struct ConstStridedView {
  const void* data = nullptr;
  DType dtype = DType::f32;
  Shape shape;
  Strides strides{};

  ConstStridedView() = default;
  ConstStridedView(const StridedView& view)
      : data(view.data), dtype(view.dtype), shape(view.shape), strides(view.strides) {}
  ConstStridedView(const void* at, DType type, const Shape& sizes, const Strides& steps)
      : data(at), dtype(type), shape(sizes), strides(steps) {}
};

// The same elements with explicit strides.
inline StridedView strided(const View& view) {
  return {view.data, view.dtype, view.shape, contiguous_strides(view.shape)};
}
inline ConstStridedView strided(const ConstView& view) {
  return {view.data, view.dtype, view.shape, contiguous_strides(view.shape)};
}

}  // namespace d2l
