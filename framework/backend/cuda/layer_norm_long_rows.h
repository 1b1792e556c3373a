#pragma once

#include "framework/backend/cuda/layer_norm_rows.h"

// Rows that are too long for registers: one block per row reads the row several times.

namespace d2l::cuda {

constexpr int kThreadsOfLongNorm = 1024;

// The sum over a row of term(column).
template <class Term>
__device__ float long_row_sum(int64_t columns, const Term& term) {
  constexpr int64_t kApart = 8;
  float sum = 0;
  for (int64_t i = threadIdx.x; i < columns; i += kApart * kThreadsOfLongNorm) {
    float part = 0;
    for (int64_t k = 0; k < kApart; ++k)
      if (const int64_t column = i + k * kThreadsOfLongNorm; column < columns) part += term(column);
    sum += part;
  }
  return block_all(sum, Plus{}, 0.0f);
}

template <class T>
__global__ void __launch_bounds__(kThreadsOfLongNorm)
    layer_norm_long_rows_kernel(NormTask<T> task) {
  const int64_t row = blockIdx.x, columns = task.columns;
  const T* x = task.x + row * columns;
  T* y = task.y + row * columns;
  const float mean =
      task.share() * long_row_sum(columns, [&](int64_t i) { return static_cast<float>(x[i]); });
  const float variance =
      task.share() * long_row_sum(columns, [&](int64_t i) {
        return (static_cast<float>(x[i]) - mean) * (static_cast<float>(x[i]) - mean);
      });
  const float scale = task.inverse_deviation(variance);
  for (int64_t i = threadIdx.x; i < columns; i += kThreadsOfLongNorm)
    y[i] = static_cast<T>((static_cast<float>(x[i]) - mean) * scale * task.gamma[i] + task.beta[i]);
  if (threadIdx.x == 0) {
    task.mean[row] = mean;
    task.variance[row] = variance;
  }
}

template <class T>
__global__ void __launch_bounds__(kThreadsOfLongNorm)
    layer_norm_long_rows_gradient_kernel(NormTask<T> task) {
  const int64_t row = blockIdx.x, columns = task.columns;
  const T *x = task.x + row * columns, *grad_y = task.grad_y + row * columns;
  T* grad_x = task.grad_x + row * columns;
  const float mean = task.mean[row], scale = task.inverse_deviation(task.variance[row]);
  const auto normal = [&](int64_t i) { return (static_cast<float>(x[i]) - mean) * scale; };
  const auto grad = [&](int64_t i) { return static_cast<float>(grad_y[i]) * task.gamma[i]; };
  const float plain = task.share() * long_row_sum(columns, grad);
  const float slope =
      task.share() * long_row_sum(columns, [&](int64_t i) { return grad(i) * normal(i); });
  for (int64_t i = threadIdx.x; i < columns; i += kThreadsOfLongNorm)
    grad_x[i] = static_cast<T>((grad(i) - plain - normal(i) * slope) * scale);
}

// One thread per column; the rows are divided among the blocks along y.
template <class T>
__global__ void __launch_bounds__(kThreads) layer_norm_column_sums_kernel(NormTask<T> task) {
  const int64_t column = first_item();
  if (column >= task.columns) return;
  float gamma = 0, beta = 0;
  for (int64_t row = blockIdx.y; row < task.rows; row += gridDim.y) {
    const int64_t i = row * task.columns + column;
    const float grad = static_cast<float>(task.grad_y[i]);
    const float scale = task.inverse_deviation(task.variance[row]);
    gamma += grad * ((static_cast<float>(task.x[i]) - task.mean[row]) * scale);
    beta += grad;
  }
  float* to = task.partial + blockIdx.y * task.columns + column;
  *to = gamma;
  to[gridDim.y * task.columns] = beta;
}

}  // namespace d2l::cuda
