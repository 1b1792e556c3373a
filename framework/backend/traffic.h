#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "framework/backend/view.h"

// The minimal memory traffic of an operation, however it is computed.

namespace d2l {

// The memory of an operand. Axes with stride 0 repeat elements and do not count. An absent operand
// has 0 bytes.
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

// Returns bytes: each operand is read once, even if it is listed twice, and each output is written
// once. List an operand that is changed in place on both sides.
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
