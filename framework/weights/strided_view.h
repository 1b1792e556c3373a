#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "framework/base/shape.h"

namespace d2l::weights {

// An array inside a block of elements: element [i, j, ...] is at offset + i strides[0] + j
// strides[1] + ...; strides may be 0 or negative.
// The number of elements must fit into 64 bits.
struct StridedView {
  Shape sizes;
  std::array<int64_t, Shape::kMaxRank> strides{};
  int64_t offset = 0;
};

// Elements [begin, end) of a block.
struct ElementRange {
  int64_t begin = 0, end = 0;
};

// From the first to the last element that the view uses; nothing if the numbers do not fit into 64
// bits. An empty view uses the empty range at its offset.
std::optional<ElementRange> range_of(const StridedView& view);

// Whether the view is a whole range, in row-major order.
bool is_contiguous(const StridedView& view);

// The view's elements, row-major. `block` has the bytes of range_of(view). `element_bytes` is 1, 2,
// 4 or 8.
std::vector<uint8_t> gather(const StridedView& view, std::span<const uint8_t> block,
                            size_t element_bytes);

}  // namespace d2l::weights
