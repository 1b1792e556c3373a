#pragma once

#include <cstdint>

#include "framework/backend/memory_pool.h"
#include "framework/backend/params.h"
#include "framework/base/shape.h"

namespace d2l::cpu {

struct PoolGeometry {
  PoolGeometry(const Pool2dParams& given, const Shape& x, const Shape& y)
      : params(given),
        images(x[0]),
        height(x[1]),
        width(x[2]),
        channels(x[3]),
        out_height(y[1]),
        out_width(y[2]) {}

  int64_t row() const { return width * channels; }
  int64_t out_row() const { return out_width * channels; }
  int64_t image() const { return height * row(); }
  int64_t out_image() const { return out_height * out_row(); }
  // By far the most frequent window: pairs of columns.
  bool pairs() const {
    return params.window.width == 2 && params.stride.width == 2 && params.padding.width == 0;
  }
  // Whether every input pixel is in at most one window.
  bool disjoint_columns() const { return params.stride.width >= params.window.width; }
  bool disjoint() const {
    return disjoint_columns() && params.stride.height >= params.window.height;
  }

  Pool2dParams params;
  int64_t images, height, width, channels, out_height, out_width;
};

// The part [begin, end) of a window inside the image; `skipped` elements of the window are before
// it.
struct PoolRange {
  int64_t begin, end, skipped;
};

[[gnu::always_inline]] inline PoolRange range_of(int64_t out, int64_t stride, int64_t padding,
                                                 int64_t window, int64_t size) {
  int64_t first = out * stride - padding;
  int64_t begin = first < 0 ? 0 : first;
  int64_t end = first + window < size ? first + window : size;
  return {begin, end < begin ? begin : end, begin - first};
}

inline PoolRange rows_of(const PoolGeometry& g, int64_t oy) {
  return range_of(oy, g.params.stride.height, g.params.padding.height, g.params.window.height,
                  g.height);
}

[[gnu::always_inline]] inline PoolRange columns_of(const PoolGeometry& g, int64_t ox) {
  return range_of(ox, g.params.stride.width, g.params.padding.width, g.params.window.width,
                  g.width);
}

// --- if the channels fill whole vectors of 16 (pooling_lanes.cpp); T is float or Bfloat16 ---
bool pool_lanes_suit(const PoolGeometry& g);
// winners may be null.
template <class T>
void pool_lanes(const PoolGeometry& g, MemoryPool& pool, const T* x, T* y, uint8_t* winners);
template <class T>
void pool_lanes_backward(const PoolGeometry& g, MemoryPool& pool, const T* grad_y,
                         const uint8_t* winners, T* grad_x);

}  // namespace d2l::cpu
