#include <algorithm>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/parallel.h"

namespace d2l::cpu {
namespace {

// x is treated as [outer, n, inner], where n is the axis.
struct AxisSizes {
  int64_t outer, n, inner;
};

AxisSizes around(const Shape& shape, int axis) {
  const int at = shape.axis_index(axis);
  return {shape.elements(0, at), shape[at], shape.elements(at + 1, shape.rank())};
}

// NaN counts as larger than any number; the first NaN wins.
[[gnu::always_inline]] inline bool beats(float x, float best) {
  return x > best || (x != x && best == best);
}

[[gnu::always_inline]] inline float larger_or_nan(float x, float so_far) {
  return x > so_far || x != x ? x : so_far;
}

D2L_SIMD void argmax_rows(const float* x, int64_t rows, int64_t columns, int64_t* out) {
  constexpr int64_t kLanes = 32;
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    float best = x[0];
    int64_t i = 0;
    if (columns >= 2 * kLanes) {
      float lanes[kLanes];
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] = x[k];
      for (i = kLanes; i + kLanes <= columns; i += kLanes)
        for (int64_t k = 0; k < kLanes; ++k) lanes[k] = larger_or_nan(x[i + k], lanes[k]);
      for (float lane : lanes) best = beats(lane, best) ? lane : best;
    }
    for (; i < columns; ++i) best = beats(x[i], best) ? x[i] : best;
    int64_t first = 0;
    if (best == best)
      while (x[first] != best) ++first;
    else
      while (x[first] == x[first]) ++first;
    out[row] = first;
  }
}

// `width` adjacent columns of [n, inner].
D2L_SIMD void argmax_columns(const float* x, int64_t n, int64_t inner, int64_t width,
                             int64_t* out) {
  constexpr int64_t kTile = 64;
  for (int64_t at = 0; at < width; at += kTile) {
    const int64_t part = std::min(kTile, width - at);
    float best[kTile];
    int64_t winner[kTile] = {};
    std::copy_n(x + at, part, best);
    for (int64_t row = 1; row < n; ++row) {
      const float* from = x + row * inner + at;
      for (int64_t k = 0; k < part; ++k) {
        const bool wins = beats(from[k], best[k]);
        best[k] = wins ? from[k] : best[k];
        winner[k] = wins ? row : winner[k];
      }
    }
    std::copy_n(winner, part, out + at);
  }
}

// One column: the running sum stays in a register.
D2L_SIMD void cumsum_column(const float* x, int64_t n, int64_t step, float* y) {
  double total = 0;
  for (int64_t row = 0; row < n; ++row) {
    total += static_cast<double>(x[row * step]);
    y[row * step] = static_cast<float>(total);
  }
}

// Running sums of `width` adjacent columns. step is inner, or -inner when going back from the last
// row.
D2L_SIMD void cumsum_columns(const float* x, int64_t n, int64_t step, int64_t width, float* y) {
  constexpr int64_t kTile = 32;
  for (int64_t at = 0; at < width; at += kTile) {
    const int64_t part = std::min(kTile, width - at);
    double totals[kTile] = {};
    for (int64_t row = 0; row < n; ++row) {
      const float* from = x + row * step + at;
      float* to = y + row * step + at;
      for (int64_t k = 0; k < part; ++k) {
        totals[k] += static_cast<double>(from[k]);
        to[k] = static_cast<float>(totals[k]);
      }
    }
  }
}

// Calls body(slice, column, width) for columns [column, column + width) of each [n, inner] slice.
template <class Body>
void for_column_bands(const AxisSizes& sizes, const Body& body) {
  constexpr int64_t kBand = 1024;
  const int64_t width = std::min(sizes.inner, kBand);
  const int64_t bands = (sizes.inner + width - 1) / width;
  parallel_for(sizes.outer * bands, std::max<int64_t>(1, kGrain / (sizes.n * width)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t task = begin; task < end; ++task) {
                   const int64_t column = task % bands * width;
                   body(task / bands, column, std::min(width, sizes.inner - column));
                 }
               });
}

}  // namespace

void CpuBackend::do_argmax(ConstView x, int axis, View indices) {
  if (x.elements() == 0) return;
  const AxisSizes sizes = around(x.shape, axis);
  const float* from = x.as<float>();
  int64_t* to = indices.as<int64_t>();
  if (sizes.inner == 1) {
    parallel_for(sizes.outer, std::max<int64_t>(1, kGrain / sizes.n),
                 [&](int64_t begin, int64_t end) {
                   argmax_rows(from + begin * sizes.n, end - begin, sizes.n, to + begin);
                 });
    return;
  }
  for_column_bands(sizes, [&](int64_t slice, int64_t column, int64_t width) {
    argmax_columns(from + slice * sizes.n * sizes.inner + column, sizes.n, sizes.inner, width,
                   to + slice * sizes.inner + column);
  });
}

void CpuBackend::do_cumsum(ConstView x, int axis, bool reverse, View y) {
  if (x.elements() == 0) return;
  const AxisSizes sizes = around(x.shape, axis);
  const float* from = x.as<float>();
  float* to = y.as<float>();
  const int64_t step = reverse ? -sizes.inner : sizes.inner;
  const int64_t start = reverse ? (sizes.n - 1) * sizes.inner : 0;
  for_column_bands(sizes, [&](int64_t slice, int64_t column, int64_t width) {
    const int64_t at = slice * sizes.n * sizes.inner + start + column;
    if (width == 1) return cumsum_column(from + at, sizes.n, step, to + at);
    cumsum_columns(from + at, sizes.n, step, width, to + at);
  });
}

}  // namespace d2l::cpu
