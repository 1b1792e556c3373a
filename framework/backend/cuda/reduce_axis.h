#pragma once

#include <algorithm>

#include "framework/backend/cuda/row_groups.h"
#include "framework/backend/scratch.h"

// Reductions along one axis. An operation is a small object with
//   Value                           the type of its accumulator
//   Value nothing()                 the identity: combine(nothing(), v) is v
//   Value load(x, int64_t i)        converts element i of the axis; returns a Value unchanged
//   Value combine(Value, Value)
//   void store(Value, Y& to)        writes the result
//   Op part()                       the same operation, with Values as results
// The pieces of an axis depend on sizes alone: a result has the same bits on every device.

namespace d2l::cuda {

// The stream and the pool that kernels use.
struct LaunchContext {
  const Queue& queue;
  MemoryPool& pool;
};

// An array as [outer, n, inner] around the axis, which is split into pieces (the last may be
// shorter).
struct Axis {
  int64_t outer, n, inner;
  int64_t piece = n;

  int64_t pieces() const { return n > piece ? ceil_div(n, piece) : 1; }
  Axis cut(int64_t count) const { return {outer, n, inner, ceil_div(n, count)}; }
};

template <class Op>
struct Combine {
  Op op;
  template <class Value>
  __device__ Value operator()(Value a, Value b) const {
    return op.combine(a, b);
  }
};

// One lane's part of x[0, count), which starts at element `first` of the axis.
template <class Op, class X>
struct Run {
  const X* x;
  int64_t first, count;

  __device__ typename Op::Value reduce(const Op& op, int lane, int lanes) const {
    constexpr int kSums = kPackOf<X>;
    typename Op::Value values[kSums];
    for (auto& value : values) value = op.nothing();
    for_packs(x, count, lane, lanes, [&](int64_t i, const auto& pack) {
      constexpr int kCount = static_cast<int>(sizeof(pack) / sizeof(X));
      for (int k = 0; k < kCount; ++k)
        values[k] = op.combine(values[k], op.load(pack.at[k], first + i + k));
    });
    for (int half = kSums / 2; half > 0; half /= 2)
      for (int k = 0; k < half; ++k) values[k] = op.combine(values[k], values[k + half]);
    return values[0];
  }
};

// One group per row.
template <class Op, class X, class Y>
__global__ void __launch_bounds__(kThreads)
    reduce_short_rows_kernel(Op op, Axis axis, int width, const X* x, Y* y) {
  const RowPlace at(width);
  typename Op::Value value = op.nothing();
  if (at.row < axis.outer)
    value = Run<Op, X>{x + at.row * axis.n, 0, axis.n}.reduce(op, at.lane, width);
  value = group_all(value, Combine<Op>{op}, width);
  if (at.row < axis.outer && at.lane == 0) op.store(value, y[at.row]);
}

// One block per piece of a row.
template <class Op, class X, class Y>
__global__ void __launch_bounds__(kThreads)
    reduce_row_pieces_kernel(Op op, Axis axis, int64_t pieces, const X* x, Y* y) {
  const int64_t task = blockIdx.x, row = task / pieces, begin = task % pieces * axis.piece;
  const int64_t left = axis.n - begin;
  const Run<Op, X> run{x + row * axis.n + begin, begin, left < axis.piece ? left : axis.piece};
  const auto value = block_all(run.reduce(op, static_cast<int>(threadIdx.x), kThreads),
                               Combine<Op>{op}, op.nothing());
  if (threadIdx.x == 0) op.store(value, y[task]);
}

// Columns: a block has `across` threads for as many units of adjacent columns, times `down` threads
// that share the rows of a piece.
struct ColumnPlan {
  Axis axis;
  int64_t pieces;
  int64_t units, units_of_row;  // over all slices; per row
  int across, down;
};

// Rows begin, begin + step, ... before `end`, for kPack adjacent columns.
template <int kPack, class Op, class X>
struct ColumnRun {
  const X* x;  // row 0
  int64_t begin, end, step, inner;

  __device__ Pack<X, kPack> row(int64_t i) const { return load_pack<kPack>(x + i * inner); }
  __device__ void add(const Op& op, const Pack<X, kPack>& pack, int64_t i,
                      typename Op::Value* to) const {
    for (int k = 0; k < kPack; ++k) to[k] = op.combine(to[k], op.load(pack.at[k], i));
  }
  // Several rows are in flight at a time, and long sums are sums of partial sums.
  __device__ void reduce(const Op& op, typename Op::Value* totals) const {
    constexpr int kRows = 8;
    int64_t i = begin;
    for (; i + (kRows - 1) * step < end; i += kRows * step) {
      Pack<X, kPack> packs[kRows];
      typename Op::Value part[kPack];
      for (int r = 0; r < kRows; ++r) packs[r] = row(i + r * step);
      for (int k = 0; k < kPack; ++k) part[k] = op.nothing();
      for (int r = 0; r < kRows; ++r) add(op, packs[r], i + r * step, part);
      for (int k = 0; k < kPack; ++k) totals[k] = op.combine(totals[k], part[k]);
    }
    for (; i < end; i += step) add(op, row(i), i, totals);
  }
};

template <int kPack, class Op, class X, class Y>
__global__ void __launch_bounds__(kThreads)
    reduce_columns_kernel(Op op, ColumnPlan plan, const X* x, Y* y) {
  __shared__ typename Op::Value shared[kPack][kThreads];
  const Axis& axis = plan.axis;
  const int thread = static_cast<int>(threadIdx.x);
  const int column = thread % plan.across, lane = thread / plan.across;
  const int64_t piece = blockIdx.x % plan.pieces;
  const int64_t unit = blockIdx.x / plan.pieces * plan.across + column;
  const int64_t slice = unit / plan.units_of_row, at = unit % plan.units_of_row * kPack;
  const int64_t begin = piece * axis.piece, left = axis.n - begin;
  typename Op::Value totals[kPack];
  for (auto& total : totals) total = op.nothing();
  if (unit < plan.units)
    ColumnRun<kPack, Op, X>{x + slice * axis.n * axis.inner + at, begin + lane,
                            begin + (left < axis.piece ? left : axis.piece), plan.down, axis.inner}
        .reduce(op, totals);
  if (plan.down > 1) {
    for (int k = 0; k < kPack; ++k) shared[k][thread] = totals[k];
    for (int half = plan.down / 2; half > 0; half /= 2) {
      __syncthreads();
      if (lane < half)
        for (int k = 0; k < kPack; ++k) {
          totals[k] = op.combine(totals[k], shared[k][thread + half * plan.across]);
          shared[k][thread] = totals[k];
        }
    }
  }
  if (lane == 0 && unit < plan.units)
    for (int k = 0; k < kPack; ++k)
      op.store(totals[k], y[(slice * plan.pieces + piece) * axis.inner + at + k]);
}

// With few columns, more threads share a column; adjacent threads still read adjacent columns.
inline ColumnPlan column_plan(const Axis& axis, int64_t per_unit) {
  constexpr int64_t kFewUnits = int64_t{1} << 16, kRowsOfThread = 4;
  ColumnPlan plan{.axis = axis,
                  .pieces = axis.pieces(),
                  .units = axis.outer * axis.inner / per_unit,
                  .units_of_row = axis.inner / per_unit,
                  .across = kThreads,
                  .down = 1};
  while (plan.across > group_width(plan.units_of_row) && plan.units * plan.down < kFewUnits &&
         axis.piece >= 2 * plan.down * kRowsOfThread) {
    plan.across /= 2;
    plan.down *= 2;
  }
  return plan;
}

template <int kPack, class Op, class X, class Y>
void reduce_columns(const Queue& queue, const Op& op, const Axis& axis, const X* x, Y* y) {
  const ColumnPlan plan = column_plan(axis, kPack);
  launch(queue, static_cast<unsigned>(ceil_div(plan.units, plan.across) * plan.pieces), kThreads,
         reduce_columns_kernel<kPack, Op, X, Y>, op, plan, x, y);
}

// Writes the results of the pieces to y [outer, pieces, inner].
template <class Op, class X, class Y>
void reduce_pieces(const Queue& queue, const Op& op, const Axis& axis, const X* x, Y* y) {
  constexpr int64_t kShortRow = 1024;
  constexpr int kPack = kPackOf<X>;
  if (axis.outer == 0 || axis.inner == 0) return;
  if (axis.inner > 1) {
    if (axis.inner % kPack == 0 && are_aligned(16, x))
      return reduce_columns<kPack>(queue, op, axis, x, y);
    return reduce_columns<1>(queue, op, axis, x, y);
  }
  if (axis.n <= kShortRow && axis.pieces() == 1) {
    const int width = group_width(axis.n, kPack);
    launch(queue, blocks_for_groups(axis.outer, width), kThreads,
           reduce_short_rows_kernel<Op, X, Y>, op, axis, width, x, y);
    return;
  }
  launch(queue, static_cast<unsigned>(axis.outer * axis.pieces()), kThreads,
         reduce_row_pieces_kernel<Op, X, Y>, op, axis, axis.pieces(), x, y);
}

// Enough pieces to fill a large device, unless a piece would be too small to be worth it.
inline int64_t pieces_for(const Axis& axis) {
  if (axis.outer == 0 || axis.inner == 0) return 1;
  if (axis.inner == 1) {
    constexpr int64_t kBlocks = 2048, kPiece = 4096;
    return std::clamp<int64_t>(kBlocks / axis.outer, 1,
                               std::max<int64_t>(1, ceil_div(axis.n, kPiece)));
  }
  constexpr int64_t kManyThreads = int64_t{1} << 17, kRowsOfThread = 32;
  const ColumnPlan plan = column_plan(axis, axis.inner % 4 == 0 ? 4 : 1);
  return std::clamp<int64_t>(kManyThreads / (plan.units * plan.down), 1,
                             std::max<int64_t>(1, axis.n / (plan.down * kRowsOfThread)));
}

// Writes the results along the axis to y [outer, inner].
template <class Op, class X, class Y>
void reduce_axis(const LaunchContext& context, const Op& op, const Axis& axis, const X* x, Y* y) {
  using Value = typename Op::Value;
  const Axis cut = axis.cut(pieces_for(axis));
  const int64_t pieces = cut.pieces();
  if (pieces == 1) return reduce_pieces(context.queue, op, cut, x, y);
  Scratch<Value> parts(context.pool, axis.outer * pieces * axis.inner);
  reduce_pieces(context.queue, op.part(), cut, x, parts.data());
  reduce_axis<Op, Value, Y>(context, op, {axis.outer, pieces, axis.inner}, parts.data(), y);
}

}  // namespace d2l::cuda
