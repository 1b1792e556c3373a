#include "framework/weights/strided_view.h"

#include <cstring>

#include "framework/base/error.h"

namespace d2l::weights {
namespace {

// Adds a * b to `sum`. Returns false if the result does not fit.
bool add_product(int64_t a, int64_t b, int64_t& sum) {
  int64_t product = 0;
  return !__builtin_mul_overflow(a, b, &product) && !__builtin_add_overflow(sum, product, &sum);
}

// Copies `count` elements that are `stride` elements apart.
template <size_t kBytes>
void copy_row(const uint8_t* from, int64_t stride, int64_t count, uint8_t* to) {
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(to + i * static_cast<int64_t>(kBytes),
                from + i * stride * static_cast<int64_t>(kBytes), kBytes);
}

using CopyRow = void (*)(const uint8_t*, int64_t, int64_t, uint8_t*);

CopyRow copy_row_of(size_t element_bytes) {
  switch (element_bytes) {
    case 1:
      return copy_row<1>;
    case 2:
      return copy_row<2>;
    case 4:
      return copy_row<4>;
    case 8:
      return copy_row<8>;
    default:
      fail("expected elements of 1, 2, 4 or 8 bytes, found ", element_bytes);
  }
}

}  // namespace

std::optional<ElementRange> range_of(const StridedView& view) {
  ElementRange range{view.offset, view.offset};
  if (view.sizes.elements() == 0) return range;
  for (int axis = 0; axis < view.sizes.rank(); ++axis) {
    const int64_t stride = view.strides[static_cast<size_t>(axis)];
    if (!add_product(view.sizes[axis] - 1, stride, stride < 0 ? range.begin : range.end)) return {};
  }
  if (!add_product(1, 1, range.end)) return {};
  return range;
}

bool is_contiguous(const StridedView& view) {
  if (view.sizes.elements() == 0) return true;
  int64_t expected = 1;
  for (int axis = view.sizes.rank() - 1; axis >= 0; --axis) {
    const int64_t size = view.sizes[axis];
    if (size > 1 && view.strides[static_cast<size_t>(axis)] != expected) return false;
    expected *= size;
  }
  return true;
}

std::vector<uint8_t> gather(const StridedView& view, std::span<const uint8_t> block,
                            size_t element_bytes) {
  std::vector<uint8_t> gathered(static_cast<size_t>(view.sizes.elements()) * element_bytes);
  if (gathered.empty()) return gathered;
  const CopyRow copy = copy_row_of(element_bytes);
  const auto bytes = static_cast<int64_t>(element_bytes);
  const int last = view.sizes.rank() - 1;
  const int64_t row = last < 0 ? 1 : view.sizes[last];
  const int64_t stride = last < 0 ? 1 : view.strides[static_cast<size_t>(last)];
  int64_t at = view.offset - range_of(view).value().begin;  // the first element of the row
  std::array<int64_t, Shape::kMaxRank> index{}, strides{};
  for (size_t axis = 0; axis < strides.size();
       ++axis)  // the stride of a single element is unchecked
    if (static_cast<int>(axis) < last && view.sizes[static_cast<int>(axis)] > 1)
      strides[axis] = view.strides[axis];
  for (uint8_t* to = gathered.data();;) {
    copy(block.data() + at * bytes, stride, row, to);
    to += row * bytes;
    int axis = last - 1;
    for (; axis >= 0; --axis) {
      const auto i = static_cast<size_t>(axis);
      at += strides[i];
      if (++index[i] < view.sizes[axis]) break;
      at -= strides[i] * view.sizes[axis];
      index[i] = 0;
    }
    if (axis < 0) return gathered;
  }
}

}  // namespace d2l::weights
