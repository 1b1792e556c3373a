#pragma once

#include <limits>

#include "framework/backend/cuda/row_groups.h"
#include "framework/backend/formulas.h"

// The row kernels of softmax and its losses. Rows of up to kShortRow elements stay in the registers
// of a group of lanes. A longer row is read twice by a block, the second time from a cache. As on
// the CPU, minus infinity gets probability 0. A row of only minus infinities, or with NaN or plus
// infinity, becomes NaN.

namespace d2l::cuda {

constexpr int64_t kShortRow = 1024;
constexpr int kThreadsOfLongRow = 512;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// e^x for x <= 0 (or NaN); exactly 0 below -87.
__device__ inline float exp_of_difference(float x) {
  const float value = formulas::fast_exp(x);
  return x < -87.0f ? 0.0f : value;
}

struct SoftmaxRows {
  int64_t count, columns;
};

inline SoftmaxRows rows_of(const Shape& shape) {
  const int64_t columns = shape.rank() > 0 ? shape.size(-1) : 1;
  return {columns > 0 ? shape.elements() / columns : 0, columns};
}

// How many elements of a row are not masked: all,
struct AllCount {
  __device__ int64_t operator()(int64_t, int64_t columns) const { return columns; }
};
// or the first lengths[row / repeat].
struct LengthsCount {
  const int64_t* lengths;
  int64_t repeat;
  __device__ int64_t operator()(int64_t row, int64_t columns) const {
    const int64_t length = lengths[row / repeat];
    return length < 0 ? 0 : (length < columns ? length : columns);
  }
};

struct RowStatistics {
  float max, sum;  // the largest element; the sum of e^(x - max)
};

// Computes the statistics of a part of a row, element by element (online softmax).
struct OnlineStatistics {
  float max = -kInfinity, sum = 0;

  template <int kCount>
  __device__ void add(const float (&x)[kCount]) {
    float top = max;
    for (float value : x) top = fmaxf(top, value);
    if (top > max) sum *= exp_of_difference(max - top);
    max = top;
    for (float value : x)
      if (value != -kInfinity) sum += exp_of_difference(value - max);
  }
  __device__ RowStatistics of_block() const {
    const float top = block_all(max, LargerNumber{}, -kInfinity);
    const float scaled = max == -kInfinity ? sum : sum * exp_of_difference(max - top);
    return {top, block_all(scaled, Plus{}, 0.0f)};
  }
};

// Loads kCount elements of a row: first, first + step, ...; elements at or after `end` are
// `filler`.
template <int kCount>
__device__ void load_steps(const float* x, int64_t first, int64_t step, int64_t end, float filler,
                           float (&values)[kCount]) {
  for (int k = 0; k < kCount; ++k) {
    const int64_t i = first + k * step;
    values[k] = i < end ? x[i] : filler;
  }
}

// A Task has
//   const float* x                      [rows, columns]
//   int64_t counted(row, columns)       number of elements of a row that are not masked
//   Results results(statistics)         results(x, e^(x - max)) is the result for these
//   float rest(counted, columns)        the result for masked elements
//   float* y
//   kFindsLargest                       if true, calls finish():
//   void finish(row, first, statistics) `first` is the position of the first largest element
template <class Task, int kItems>
__global__ void __launch_bounds__(kThreads)
    softmax_short_rows_kernel(Task task, SoftmaxRows rows, int width) {
  const RowPlace at(width);
  const bool real = at.row < rows.count;
  const int64_t offset = at.row * rows.columns;
  const int columns = real ? static_cast<int>(rows.columns) : 0;
  const int counted = real ? static_cast<int>(task.counted(at.row, rows.columns)) : 0;
  float x[kItems], exps[kItems], max = -kInfinity, sum = 0;
  load_steps(task.x + offset, at.lane, width, counted, -kInfinity, x);
  for (float value : x) max = fmaxf(max, value);
  max = group_all(max, LargerNumber{}, width);
  for (int k = 0; k < kItems; ++k) sum += exps[k] = exp_of_difference(x[k] - max);
  const RowStatistics statistics{max, group_all(sum, Plus{}, width)};
  const auto results = task.results(statistics);
  const float rest = task.rest(counted, rows.columns);
  for (int k = 0; k < kItems; ++k) {
    const int i = at.lane + k * width;
    if (i < columns) task.y[offset + i] = i < counted ? results(x[k], exps[k]) : rest;
  }
  if constexpr (Task::kFindsLargest) {
    int first = columns;
    for (int k = kItems - 1; k >= 0; --k)
      if (const int i = at.lane + k * width; i < counted && x[k] == max) first = i;
    first = group_all(first, Smaller{}, width);
    if (real && at.lane == 0) task.finish(at.row, first, statistics);
  }
}

template <class Task>
__global__ void __launch_bounds__(kThreadsOfLongRow)
    softmax_long_rows_kernel(Task task, SoftmaxRows rows) {
  constexpr int kItems = 4;
  const int64_t row = blockIdx.x, columns = rows.columns, counted = task.counted(row, columns);
  const float* x = task.x + row * columns;
  float* y = task.y + row * columns;
  float values[kItems];
  OnlineStatistics online;
  for (int64_t i = threadIdx.x; i < counted; i += kItems * kThreadsOfLongRow) {
    load_steps(x, i, kThreadsOfLongRow, counted, -kInfinity, values);
    online.add(values);
  }
  const RowStatistics statistics = online.of_block();
  const auto results = task.results(statistics);
  const float rest = task.rest(counted, columns);
  int64_t first = columns;
  for (int64_t i = threadIdx.x; i < columns; i += kItems * kThreadsOfLongRow) {
    load_steps(x, i, kThreadsOfLongRow, counted, -kInfinity, values);
    for (int k = 0; k < kItems; ++k) {
      const int64_t j = i + k * kThreadsOfLongRow;
      if (j >= columns) break;
      const float e = exp_of_difference(values[k] - statistics.max);
      y[j] = j < counted ? results(values[k], e) : rest;
      if (Task::kFindsLargest && first == columns && values[k] == statistics.max) first = j;
    }
  }
  if constexpr (Task::kFindsLargest) {
    first = block_all(first, Smaller{}, columns);
    if (threadIdx.x == 0) task.finish(row, first, statistics);
  }
}

// Calls visitor(std::integral_constant) with the number of elements of a short row per lane.
template <class Visitor>
void visit_items(int64_t columns, const Visitor& visitor) {
  if (columns <= kWarp) return visitor(std::integral_constant<int, 1>{});
  if (columns <= 2 * kWarp) return visitor(std::integral_constant<int, 2>{});
  if (columns <= 4 * kWarp) return visitor(std::integral_constant<int, 4>{});
  if (columns <= 8 * kWarp) return visitor(std::integral_constant<int, 8>{});
  if (columns <= 16 * kWarp) return visitor(std::integral_constant<int, 16>{});
  visitor(std::integral_constant<int, 32>{});
}

template <class Task>
void softmax_rows(const Queue& queue, const Task& task, const SoftmaxRows& rows) {
  if (rows.count == 0) return;
  if (rows.columns > kShortRow)
    return launch(queue, static_cast<unsigned>(rows.count), kThreadsOfLongRow,
                  softmax_long_rows_kernel<Task>, task, rows);
  const int width = group_width(rows.columns);
  visit_items(rows.columns, [&](auto items) {
    launch(queue, blocks_for_groups(rows.count, width), kThreads,
           softmax_short_rows_kernel<Task, decltype(items)::value>, task, rows, width);
  });
}

// Gradients. A Task has y, grad_y and counted() as above,
//   float term(y, grad_y)              whose sum over a row is `total`
//   float result(y, grad_y, total)     the gradient; masked elements get 0
//   float* grad_x
template <class Task, int kItems>
__global__ void __launch_bounds__(kThreads)
    softmax_gradient_short_rows_kernel(Task task, SoftmaxRows rows, int width) {
  const RowPlace at(width);
  const bool real = at.row < rows.count;
  const int64_t offset = at.row * rows.columns;
  const int columns = real ? static_cast<int>(rows.columns) : 0;
  const int counted = real ? static_cast<int>(task.counted(at.row, rows.columns)) : 0;
  float y[kItems], grad_y[kItems], total = 0;
  load_steps(task.y + offset, at.lane, width, counted, 0, y);
  load_steps(task.grad_y + offset, at.lane, width, counted, 0, grad_y);
  for (int k = 0; k < kItems; ++k) total += task.term(y[k], grad_y[k]);
  total = group_all(total, Plus{}, width);
  for (int k = 0; k < kItems; ++k) {
    const int i = at.lane + k * width;
    if (i < columns)
      task.grad_x[offset + i] = i < counted ? task.result(y[k], grad_y[k], total) : 0.0f;
  }
}

template <class Task>
__global__ void __launch_bounds__(kThreadsOfLongRow)
    softmax_gradient_long_rows_kernel(Task task, SoftmaxRows rows) {
  constexpr int kItems = 4;
  const int64_t row = blockIdx.x, columns = rows.columns, counted = task.counted(row, columns);
  const float *of_y = task.y + row * columns, *of_grad_y = task.grad_y + row * columns;
  float* grad_x = task.grad_x + row * columns;
  float y[kItems], grad_y[kItems], total = 0;
  for (int64_t i = threadIdx.x; i < counted; i += kItems * kThreadsOfLongRow) {
    load_steps(of_y, i, kThreadsOfLongRow, counted, 0, y);
    load_steps(of_grad_y, i, kThreadsOfLongRow, counted, 0, grad_y);
    for (int k = 0; k < kItems; ++k) total += task.term(y[k], grad_y[k]);
  }
  total = block_all(total, Plus{}, 0.0f);
  for (int64_t i = threadIdx.x; i < columns; i += kItems * kThreadsOfLongRow) {
    load_steps(of_y, i, kThreadsOfLongRow, counted, 0, y);
    load_steps(of_grad_y, i, kThreadsOfLongRow, counted, 0, grad_y);
    for (int k = 0; k < kItems; ++k) {
      const int64_t j = i + k * kThreadsOfLongRow;
      if (j < columns) grad_x[j] = j < counted ? task.result(y[k], grad_y[k], total) : 0.0f;
    }
  }
}

template <class Task>
void softmax_gradient_rows(const Queue& queue, const Task& task, const SoftmaxRows& rows) {
  if (rows.count == 0) return;
  if (rows.columns > kShortRow)
    return launch(queue, static_cast<unsigned>(rows.count), kThreadsOfLongRow,
                  softmax_gradient_long_rows_kernel<Task>, task, rows);
  const int width = group_width(rows.columns);
  visit_items(rows.columns, [&](auto items) {
    launch(queue, blocks_for_groups(rows.count, width), kThreads,
           softmax_gradient_short_rows_kernel<Task, decltype(items)::value>, task, rows, width);
  });
}

}  // namespace d2l::cuda
