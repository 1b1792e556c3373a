#pragma once

#include <cstdint>

namespace d2l {

// Elements [begin, end) of a flat array.
struct Range {
  int64_t begin = 0, end = 0;

  int64_t elements() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

}  // namespace d2l
