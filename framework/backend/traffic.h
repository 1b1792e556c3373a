#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "framework/backend/view.h"

// The bytes that an operation moves at least, however it is done.

namespace d2l {

// The memory that an operand takes up. Axes with stride 0 repeat what is there; an absent operand
// has none.
struct Footprint {
  const void* data = nullptr;
  int64_t bytes = 0;

  Footprint(const ConstView& view) : data(view.data), bytes(view ? view.bytes() : 0) {}
  Footprint(const View& view) : Footprint(ConstView(view)) {}
  Footprint(const ConstStridedView& view) : data(view.data) {
    if (data == nullptr) return;
    bytes = static_cast<int64_t>(size_of(view.dtype));
    for (int axis = 0; axis < view.shape.rank(); ++axis)
      if (view.strides[static_cast<size_t>(axis)] != 0 || view.shape[axis] == 0)
        bytes *= view.shape[axis];
  }
  Footprint(const StridedView& view) : Footprint(ConstStridedView(view)) {}
};

// Each operand read is read once, even if it is named twice, and each written is written once; what
// is changed in place is named in both lists.
inline int64_t moved(std::initializer_list<Footprint> read,
                     std::initializer_list<Footprint> written) {
  int64_t bytes = 0;
  for (const Footprint* it = read.begin(); it != read.end(); ++it) {
    const bool is_known =
        std::any_of(read.begin(), it, [&](const Footprint& one) { return one.data == it->data; });
    if (!is_known) bytes += it->bytes;
  }
  for (const Footprint& one : written) bytes += one.bytes;
  return bytes;
}

}  // namespace d2l
