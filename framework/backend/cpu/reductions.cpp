#include <limits>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/widened.h"
#include "framework/backend/loop_nest.h"
#include "framework/backend/scratch.h"

namespace d2l::cpu {
namespace {

// How each reduction adds one more element. Partial results are combined in type Total.
struct Sum {
  using Total = double;
  static constexpr float kNothing = 0.0f;
  template <class T>
  static T combine(T so_far, T x) {
    return so_far + x;
  }
};
// NaN wins, so that a check of a tensor's largest value finds it.
struct Max {
  using Total = float;
  static constexpr float kNothing = -std::numeric_limits<float>::infinity();
  static float combine(float so_far, float x) { return x > so_far || x != x ? x : so_far; }
};
struct Min {
  using Total = float;
  static constexpr float kNothing = std::numeric_limits<float>::infinity();
  static float combine(float so_far, float x) { return x < so_far || x != x ? x : so_far; }
};

constexpr int64_t kLanes = 32;           // independent accumulators, for vectorised additions
constexpr int64_t kChunk = 64 * kLanes;  // elements that are summed in single precision

// Reduces the lanes pairwise into the first.
template <class R, class T>
[[gnu::always_inline]] inline T fold_lanes(T* lanes) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t k = 0; k < half; ++k) lanes[k] = R::combine(lanes[k], lanes[k + half]);
  return lanes[0];
}

// Reduces at least kLanes and at most kChunk elements in single precision.
template <class R>
[[gnu::always_inline]] inline float reduce_chunk(const float* x, int64_t count) {
  float lanes[kLanes];
  for (int64_t k = 0; k < kLanes; ++k) lanes[k] = x[k];
  int64_t i = kLanes;
  for (; i + kLanes <= count; i += kLanes)
    for (int64_t k = 0; k < kLanes; ++k) lanes[k] = R::combine(lanes[k], x[i + k]);
  for (int64_t k = 0; i < count; ++i, ++k) lanes[k] = R::combine(lanes[k], x[i]);
  return fold_lanes<R>(lanes);
}

template <class R>
[[gnu::always_inline]] inline typename R::Total reduce_run(const float* x, int64_t count) {
  using Total = typename R::Total;
  if (count < kLanes) {
    Total total = R::kNothing;
    for (int64_t i = 0; i < count; ++i) total = R::combine(total, static_cast<Total>(x[i]));
    return total;
  }
  if (count <= kChunk) return static_cast<Total>(reduce_chunk<R>(x, count));
  Total totals[kLanes];
  std::fill_n(totals, kLanes, Total{R::kNothing});
  int64_t i = 0;
  while (i + kLanes <= count) {
    float lanes[kLanes];
    std::fill_n(lanes, kLanes, R::kNothing);
    const int64_t end = std::min(count, i + kChunk);
    for (; i + kLanes <= end; i += kLanes)
      for (int64_t k = 0; k < kLanes; ++k) lanes[k] = R::combine(lanes[k], x[i + k]);
    for (int64_t k = 0; k < kLanes; ++k)
      totals[k] = R::combine(totals[k], static_cast<Total>(lanes[k]));
  }
  for (int64_t k = 0; i < count; ++i, ++k)
    totals[k] = R::combine(totals[k], static_cast<Total>(x[i]));
  return fold_lanes<R>(totals);
}

// y[row] = the reduction of x[row, :]
template <class R>
D2L_SIMD void reduce_rows(const float* x, int64_t rows, int64_t columns, float* y) {
  for (int64_t row = 0; row < rows; ++row)
    y[row] = static_cast<float>(reduce_run<R>(x + row * columns, columns));
}

template <class R>
D2L_SIMD void reduce_piece(const float* x, int64_t count, typename R::Total* total) {
  *total = reduce_run<R>(x, count);
}

// Reduces kWidth columns over `rows` rows that are `step` elements apart.
template <class R, int64_t kWidth>
[[gnu::always_inline]] inline void reduce_columns(const float* x, int64_t rows, int64_t step,
                                                  float* y) {
  float lanes[kWidth];
  std::fill_n(lanes, kWidth, R::kNothing);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < kWidth; ++k) lanes[k] = R::combine(lanes[k], x[row * step + k]);
  std::copy_n(lanes, kWidth, y);
}

// y[column] = the reduction of `width` columns starting at x
template <class R>
[[gnu::always_inline]] inline void reduce_tiles(const float* x, int64_t rows, int64_t step,
                                                int64_t width, float* y) {
  int64_t at = 0;
  for (; at + 64 <= width; at += 64) reduce_columns<R, 64>(x + at, rows, step, y + at);
  for (; at + 32 <= width; at += 32) reduce_columns<R, 32>(x + at, rows, step, y + at);
  if (at == width) return;
  std::fill_n(y + at, width - at, R::kNothing);
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = at; k < width; ++k) y[k] = R::combine(y[k], x[row * step + k]);
}

struct ColumnPiece {
  const float* x;
  int64_t rows, step, width;  // width < step: a part of each row
};

template <class R>
D2L_SIMD void reduce_column_piece(const ColumnPiece& piece, float* y) {
  constexpr int64_t kVector = 32, kShort = 64;
  // Narrow rows: several of them, enough for whole vectors, are treated as one wide row, then
  // reduced.
  if (piece.width == piece.step && piece.step < kShort && piece.step % kVector != 0) {
    const int64_t width = piece.step;
    int64_t times = kVector;
    while (times > 1 && times / 2 * width >= kShort && times / 2 * width % kVector == 0) times /= 2;
    while (times * width < kShort) times *= 2;
    const int64_t wide_rows = piece.rows / times;
    if (wide_rows > 1) {
      float wide[kVector * kShort];
      reduce_tiles<R>(piece.x, wide_rows, times * width, times * width, wide);
      const float* rest = piece.x + wide_rows * times * width;
      std::copy_n(wide, width, y);
      for (int64_t row = 1; row < times; ++row)
        for (int64_t k = 0; k < width; ++k) y[k] = R::combine(y[k], wide[row * width + k]);
      for (int64_t row = wide_rows * times; row < piece.rows; ++row, rest += width)
        for (int64_t k = 0; k < width; ++k) y[k] = R::combine(y[k], rest[k]);
      return;
    }
  }
  reduce_tiles<R>(piece.x, piece.rows, piece.step, piece.width, y);
}

// Combines `pieces` partial rows of length `width`, in order.
template <class R>
D2L_SIMD void combine_pieces(const float* partial, int64_t pieces, int64_t width, float* y) {
  using Total = typename R::Total;
  constexpr int64_t kTile = 64;
  for (int64_t at = 0; at < width; at += kTile) {
    const int64_t part = std::min(kTile, width - at);
    Total totals[kTile];
    std::fill_n(totals, kTile, Total{R::kNothing});
    for (int64_t piece = 0; piece < pieces; ++piece)
      for (int64_t k = 0; k < part; ++k)
        totals[k] = R::combine(totals[k], static_cast<Total>(partial[piece * width + at + k]));
    for (int64_t k = 0; k < part; ++k) y[at + k] = static_cast<float>(totals[k]);
  }
}

// x [outer, n, inner] -> y [outer, inner]
struct AxisSizes {
  int64_t outer, n, inner;
};

template <class R>
void reduce_last(MemoryPool& pool, const float* x, int64_t rows, int64_t columns, float* y) {
  using Total = typename R::Total;
  if (columns < 4 * kGrain || rows >= 16) {
    parallel_for(rows, std::max<int64_t>(1, 2 * kGrain / columns), [&](int64_t begin, int64_t end) {
      reduce_rows<R>(x + begin * columns, end - begin, columns, y + begin);
    });
    return;
  }
  const int64_t pieces = (columns + kGrain - 1) / kGrain;
  Scratch<Total> partial(pool, pieces);
  for (int64_t row = 0; row < rows; ++row) {
    const float* from = x + row * columns;
    parallel_for(columns, kGrain, [&](int64_t begin, int64_t end) {
      reduce_piece<R>(from + begin, end - begin, partial.data() + begin / kGrain);
    });
    Total total = R::kNothing;
    for (int64_t i = 0; i < pieces; ++i) total = R::combine(total, partial.data()[i]);
    y[row] = static_cast<float>(total);
  }
}

template <class R>
void reduce_middle(MemoryPool& pool, const float* x, const AxisSizes& sizes, float* y) {
  constexpr int64_t kFewestRows = 128, kWidest = 4096;
  const auto [outer, n, inner] = sizes;
  const int64_t width = std::min(inner, kWidest);
  const int64_t column_pieces = (inner + width - 1) / width;
  const int64_t rows = std::max(kFewestRows, 2 * kGrain / width);
  const int64_t row_pieces = (n + rows - 1) / rows;
  Scratch<float> partial(pool, row_pieces > 1 ? outer * row_pieces * inner : 0);
  float* to = row_pieces > 1 ? partial.data() : y;

  const int64_t per_task = std::min(n, rows) * width;
  parallel_for(outer * row_pieces * column_pieces, std::max<int64_t>(1, 2 * kGrain / per_task),
               [&](int64_t begin, int64_t end) {
                 for (int64_t task = begin; task < end; ++task) {
                   const int64_t column = task % column_pieces * width;
                   const int64_t band = task / column_pieces;  // [outer, row_pieces]
                   const int64_t slice = band / row_pieces, row = band % row_pieces * rows;
                   const ColumnPiece piece{x + (slice * n + row) * inner + column,
                                           std::min(rows, n - row), inner,
                                           std::min(width, inner - column)};
                   reduce_column_piece<R>(piece, to + band * inner + column);
                 }
               });
  if (row_pieces == 1) return;
  for (int64_t slice = 0; slice < outer; ++slice)
    combine_pieces<R>(to + slice * row_pieces * inner, row_pieces, inner, y + slice * inner);
}

// Reduces the axes one after the other. The innermost goes first, since it reduces the data most.
template <class R>
void reduce_axes(MemoryPool& pool, const ConstView& x, const View& y) {
  LoopNest<2> nest;  // (x, y): runs of kept axes step through y, runs of reduced axes do not
  Strides in = contiguous_strides(x.shape), out = contiguous_strides(y.shape);
  for (int axis = 0; axis < x.shape.rank(); ++axis)
    nest.append(x.shape[axis], {in[axis], y.shape[axis] == 1 ? 0 : out[axis]});

  const float* from = x.as<float>();
  int64_t left = x.elements(), inner = 1;
  Scratch<float> held(pool, 0);  // the memory of `from`
  for (int axis = nest.rank() - 1; axis >= 0; --axis) {
    const int64_t n = nest.size(axis);
    if (nest.steps(axis)[1] != 0) {
      inner *= n;
      continue;
    }
    left /= n;
    const bool last = left == y.elements();
    Scratch<float> next(pool, last ? 0 : left);
    float* to = last ? y.as<float>() : next.data();
    if (inner == 1)
      reduce_last<R>(pool, from, left, n, to);
    else
      reduce_middle<R>(pool, from, {left / inner, n, inner}, to);
    held = std::move(next);
    from = to;
  }
  if (from == x.as<float>()) std::copy_n(from, y.elements(), y.as<float>());
}

D2L_SIMD void divide_run(float* y, int64_t count, float divisor) {
  for (int64_t i = 0; i < count; ++i) y[i] /= divisor;
}

}  // namespace

void CpuBackend::do_reduce(Reduction op, ConstView x, View y) {
  if (x.dtype != DType::f32 || y.dtype != DType::f32) {
    const WidenedInput wide(*this, x);
    const WidenedOutput result(*this, y);
    return reduce(op, wide.view(), result.view());
  }
  if (x.elements() == 0) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    switch (op) {
      case Reduction::sum:
        return fill(y, 0);
      case Reduction::mean:
        return fill(y, std::numeric_limits<double>::quiet_NaN());
      case Reduction::max:
        return fill(y, -kInfinity);
      case Reduction::min:
        return fill(y, kInfinity);
    }
  }
  switch (op) {
    case Reduction::max:
      return reduce_axes<Max>(pool_, x, y);
    case Reduction::min:
      return reduce_axes<Min>(pool_, x, y);
    case Reduction::sum:
      return reduce_axes<Sum>(pool_, x, y);
    case Reduction::mean:
      break;
  }
  reduce_axes<Sum>(pool_, x, y);
  float* to = y.as<float>();
  const float divisor = static_cast<float>(x.elements() / y.elements());
  parallel_for(y.elements(), kGrain,
               [&](int64_t begin, int64_t end) { divide_run(to + begin, end - begin, divisor); });
}

}  // namespace d2l::cpu
