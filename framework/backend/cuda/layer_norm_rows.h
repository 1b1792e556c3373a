#pragma once

#include "framework/backend/cuda/norm_rows.h"

namespace d2l::cuda {

// The arrays of a layer normalisation. mean and variance are read or written, depending on the
// kernel.
template <class T>
struct NormTask {
  int64_t rows, columns;
  float epsilon;
  const T* x;
  const float *gamma, *beta;
  float *mean, *variance;
  T* y;
  // for the gradient only
  const T* grad_y;
  T* grad_x;
  float* partial;  // [2, blocks, columns]: sums for gamma and beta

  __device__ float share() const { return 1.0f / static_cast<float>(columns); }
  __device__ float inverse_deviation(float of_variance) const {
    return 1.0f / std::sqrt(of_variance + epsilon);
  }
};

template <class Layout>
__global__ void __launch_bounds__(kThreads)
    layer_norm_kernel(NormTask<typename Layout::T> task, int width) {
  using T = typename Layout::T;
  const RowPlace at(width);
  const bool real = at.row < task.rows;
  const int64_t offset = at.row * task.columns;
  const int columns = real ? static_cast<int>(task.columns) : 0;
  const auto for_packs = [&](const auto& f) { Layout::for_packs(columns, at.lane, width, f); };
  float x[Layout::kValues] = {}, sum = 0, squares = 0;
  for_packs([&](int k, int column) {
    const auto pack = load_pack<Layout::kPack>(task.x + offset + column);
    for (int i = 0; i < Layout::kPack; ++i) sum += x[k + i] = static_cast<float>(pack.at[i]);
  });
  const float mean = task.share() * Layout::row_sum(sum, width);
  for_packs([&](int k, int) {
    for (int i = 0; i < Layout::kPack; ++i) squares += (x[k + i] - mean) * (x[k + i] - mean);
  });
  const float variance = task.share() * Layout::row_sum(squares, width);
  const float scale = task.inverse_deviation(variance);
  for_packs([&](int k, int column) {
    const auto gamma = load_pack<Layout::kPack>(task.gamma + column),
               beta = load_pack<Layout::kPack>(task.beta + column);
    Pack<T, Layout::kPack> pack;
    for (int i = 0; i < Layout::kPack; ++i)
      pack.at[i] = static_cast<T>((x[k + i] - mean) * scale * gamma.at[i] + beta.at[i]);
    store_pack(pack, task.y + offset + column);
  });
  if (real && at.lane == 0) {
    task.mean[at.row] = mean;
    task.variance[at.row] = variance;
  }
}

// A thread's sums over its rows, for its columns.
template <class Layout>
struct ColumnSums {
  float gamma[Layout::kValues] = {}, beta[Layout::kValues] = {};

  // Adds the sums of a block's groups in order and writes them to `of_gamma` and `of_beta`
  // [columns].
  __device__ void write(int columns, int lane, int width, float* of_gamma, float* of_beta) {
    if constexpr (Layout::kBlock) {
      Layout::for_packs(columns, lane, width, [&](int k, int column) {
        for (int i = 0; i < Layout::kPack; ++i) {
          of_gamma[column + i] = gamma[k + i];
          of_beta[column + i] = beta[k + i];
        }
      });
    } else {
      __shared__ float to_gamma[kRowOfWarp], to_beta[kRowOfWarp];
      for (int k = 0; k < Layout::kValues; ++k)
        for (int step = width; step < kWarp; step *= 2) {
          gamma[k] += __shfl_xor_sync(0xffffffffu, gamma[k], step);
          beta[k] += __shfl_xor_sync(0xffffffffu, beta[k], step);
        }
      const int warp = static_cast<int>(threadIdx.x) / kWarp;
      const bool first_group = static_cast<int>(threadIdx.x) % kWarp < width;
      for (int turn = 0; turn < kThreads / kWarp; ++turn) {
        if (warp == turn && first_group)
          Layout::for_packs(columns, lane, width, [&](int k, int column) {
            for (int i = 0; i < Layout::kPack; ++i) {
              to_gamma[column + i] = gamma[k + i] + (turn > 0 ? to_gamma[column + i] : 0.0f);
              to_beta[column + i] = beta[k + i] + (turn > 0 ? to_beta[column + i] : 0.0f);
            }
          });
        __syncthreads();
      }
      for (int i = static_cast<int>(threadIdx.x); i < columns; i += kThreads) {
        of_gamma[i] = to_gamma[i];
        of_beta[i] = to_beta[i];
      }
    }
  }
};

template <class Layout>
__global__ void __launch_bounds__(kThreads)
    layer_norm_gradient_kernel(NormTask<typename Layout::T> task, int width) {
  using T = typename Layout::T;
  const int lane = static_cast<int>(threadIdx.x) % width;
  const int all_columns = static_cast<int>(task.columns);
  ColumnSums<Layout> sums;
  // All groups of a block must make the same number of iterations.
  const int64_t groups = kThreads / width, step = groups * gridDim.x;
  for (int64_t first = groups * blockIdx.x; first < task.rows; first += step) {
    const int64_t row = first + static_cast<int>(threadIdx.x) / width, offset = row * task.columns;
    const bool real = row < task.rows;
    const int columns = real ? all_columns : 0;
    const auto for_packs = [&](const auto& f) { Layout::for_packs(columns, lane, width, f); };
    const float mean = real ? task.mean[row] : 0.0f;
    const float scale = real ? task.inverse_deviation(task.variance[row]) : 0.0f;
    float normal[Layout::kValues], grad[Layout::kValues], plain = 0, slope = 0;
    for_packs([&](int k, int column) {
      const auto x = load_pack<Layout::kPack>(task.x + offset + column);
      const auto grad_y = load_pack<Layout::kPack>(task.grad_y + offset + column);
      const auto gamma = load_pack<Layout::kPack>(task.gamma + column);
      for (int i = 0; i < Layout::kPack; ++i) {
        const float of_y = static_cast<float>(grad_y.at[i]);
        normal[k + i] = (static_cast<float>(x.at[i]) - mean) * scale;
        grad[k + i] = of_y * gamma.at[i];
        sums.gamma[k + i] += of_y * normal[k + i];
        sums.beta[k + i] += of_y;
        plain += grad[k + i];
        slope += grad[k + i] * normal[k + i];
      }
    });
    plain = task.share() * Layout::row_sum(plain, width);
    slope = task.share() * Layout::row_sum(slope, width);
    for_packs([&](int k, int column) {
      Pack<T, Layout::kPack> pack;
      for (int i = 0; i < Layout::kPack; ++i)
        pack.at[i] = static_cast<T>((grad[k + i] - plain - normal[k + i] * slope) * scale);
      store_pack(pack, task.grad_x + offset + column);
    });
  }
  float* to = task.partial + blockIdx.x * task.columns;
  sums.write(all_columns, lane, width, to, to + gridDim.x * task.columns);
}

}  // namespace d2l::cuda
