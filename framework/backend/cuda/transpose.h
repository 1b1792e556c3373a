#pragma once

#include <algorithm>
#include <optional>

#include "framework/backend/cuda/strided_copy.h"

// Copies whose input and output are contiguous along different axes: squares go through shared
// memory, so that both reads and writes are contiguous.

namespace d2l::cuda {

// The side of a square: rows have at least 64 bytes.
template <class T>
inline constexpr int kSquare = sizeof(T) >= 4 ? 32 : 64;
// Padding after each row of a square, so that its columns are in different banks.
template <class T>
inline constexpr int kGap = sizeof(T) >= 4 ? 1 : static_cast<int>(4 / sizeof(T));

// The input has step 1 along rows, the output along columns.
template <class T>
struct Transpose {
  const T* in;
  T* out;
  int64_t rows, columns;
  int64_t in_column, out_row;  // steps
  Divider across, down;        // squares along columns and rows
  int64_t squares;             // total number
  Walk<2> outer;
};

template <class T, bool kAdd>
__global__ void __launch_bounds__(kThreads) transpose_kernel(Transpose<T> job) {
  constexpr int kSide = kSquare<T>, kStep = kThreads / kSide;
  __shared__ T square[kSide][kSide + kGap<T>];
  const int x = static_cast<int>(threadIdx.x) % kSide, y = static_cast<int>(threadIdx.x) / kSide;
  for (int64_t i = blockIdx.x; i < job.squares; i += gridDim.x) {
    const int64_t line = job.across.quotient(i), batch = job.down.quotient(line);
    const int64_t column = (i - line * job.across.divisor()) * kSide;
    const int64_t row = (line - batch * job.down.divisor()) * kSide;
    const Offsets<2> at = job.outer.at(batch);
    const T* in = job.in + at.in[0] + row + column * job.in_column;
    T* out = job.out + at.in[1] + row * job.out_row + column;
    const int64_t high = job.rows - row, wide = job.columns - column;
    for (int k = y; k < kSide; k += kStep)
      if (x < high && k < wide) square[k][x] = in[k * job.in_column + x];
    __syncthreads();
    for (int k = y; k < kSide; k += kStep)
      if (k < high && x < wide) {
        T& to = out[k * job.out_row + x];
        to = kAdd ? static_cast<T>(to + square[x][k]) : square[x][k];
      }
    __syncthreads();
  }
}

// The job's loops, with the axis along which the input is contiguous as the second innermost.
// Nothing if there is no such axis, or if squares would be nearly empty.
inline std::optional<LoopNest<2>> transposed_nest(LoopNest<2> nest) {
  constexpr int64_t kFewest = 8;
  const auto [in_step, out_step] = nest.column_steps();
  if (nest.rank() < 2 || out_step != 1 || in_step == 1 || in_step == 0) return std::nullopt;
  if (nest.columns() < kFewest) return std::nullopt;
  for (int axis = nest.rank() - 2; axis >= 0; --axis)
    if (nest.steps(axis)[0] == 1 && nest.size(axis) >= kFewest) {
      nest.swap(axis, nest.rank() - 2);
      return nest;
    }
  return std::nullopt;
}

template <class T, bool kAdd>
void transpose(const Queue& queue, const CopyJob& job, const LoopNest<2>& nest) {
  const int last = nest.rank() - 1;
  LoopNest<2> outer;
  for (int axis = 0; axis < last - 1; ++axis) outer.append(nest.size(axis), nest.steps(axis));
  const int64_t rows = nest.size(last - 1), columns = nest.size(last);
  const int64_t across = ceil_div(columns, kSquare<T>), down = ceil_div(rows, kSquare<T>);
  const Walk<2> walk = walk_of(outer);
  const Transpose<T> work{.in = static_cast<const T*>(job.in),
                          .out = static_cast<T*>(job.out),
                          .rows = rows,
                          .columns = columns,
                          .in_column = nest.column_steps()[0],
                          .out_row = nest.row_steps()[1],
                          .across = Divider(across),
                          .down = Divider(down),
                          .squares = across * down * walk.items,
                          .outer = walk};
  launch(queue, blocks_for(queue, work.squares, 1), kThreads, transpose_kernel<T, kAdd>, work);
}

}  // namespace d2l::cuda
