#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/layer_norm_long_rows.h"
#include "framework/backend/scratch.h"

namespace d2l::cuda {
namespace {

// sum[i] = partial[0, i] + partial[1, i] + ...; a block computes a warp's width of columns.
struct JoinSums {
  const float* partial;  // [2, pieces, columns]
  int64_t pieces, columns;
  float *gamma, *beta;
};

__global__ void __launch_bounds__(kThreads) join_sums_kernel(JoinSums join) {
  constexpr int kLanes = kThreads / kWarp;
  __shared__ float sums[kLanes][kWarp];
  const int at = static_cast<int>(threadIdx.x) % kWarp,
            lane = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t column = static_cast<int64_t>(blockIdx.x) * kWarp + at;
  const float* from = join.partial + blockIdx.y * join.pieces * join.columns + column;
  float sum = 0;
  if (column < join.columns)
    for (int64_t piece = lane; piece < join.pieces; piece += kLanes)
      sum += from[piece * join.columns];
  sums[lane][at] = sum;
  __syncthreads();
  if (lane > 0 || column >= join.columns) return;
  for (int other = 1; other < kLanes; ++other) sum += sums[other][at];
  (blockIdx.y == 0 ? join.gamma : join.beta)[column] = sum;
}

template <class T>
NormTask<T> task_of(const LayerNormParams& params, const Backend::NormOperands& in,
                    const Backend::NormStatistics& of_rows) {
  const int64_t columns = in.x.shape.size(-1);
  return {.rows = columns > 0 ? in.x.elements() / columns : 0,
          .columns = columns,
          .epsilon = static_cast<float>(params.epsilon),
          .x = in.x.as<T>(),
          .gamma = in.gamma.as<float>(),
          .beta = in.beta.as<float>(),
          .mean = of_rows.mean.as<float>(),
          .variance = of_rows.variance.as<float>(),
          .y = nullptr,
          .grad_y = nullptr,
          .grad_x = nullptr,
          .partial = nullptr};
}

// Whether rows at these addresses, and the parameters, may be read and written in packs.
template <class T>
bool fit_packs(const NormTask<T>& task, const T* other, const T* result) {
  constexpr size_t kParameters = kPackOf<T> * sizeof(float);
  return task.columns % kPackOf<T> == 0 && are_aligned(16, task.x, other, result) &&
         are_aligned(kParameters, task.gamma, task.beta);
}

// The number of blocks that share the gradient's rows: few, since each block leaves two partial
// sums.
int64_t gradient_blocks(int64_t rows, int64_t rows_at_once) {
  constexpr int64_t kMost = 256, kTurns = 4;
  return std::min(kMost, ceil_div(rows, rows_at_once * kTurns));
}

template <class T>
void gradient(const Queue& queue, MemoryPool& pool, NormTask<T> task, JoinSums join) {
  const auto join_pieces = [&](int64_t pieces, const auto& fill) {
    Scratch<float> partial(pool, 2 * pieces * task.columns);
    task.partial = partial.data();
    if (pieces > 0) fill();
    join.partial = partial.data();
    join.pieces = pieces;
    launch(queue, {static_cast<unsigned>(ceil_div(task.columns, kWarp)), 2}, kThreads,
           join_sums_kernel, join);
  };
  if (task.columns > kRowOfBlock) {
    const int64_t pieces = gradient_blocks(task.rows, 8);
    return join_pieces(pieces, [&] {
      launch(queue, static_cast<unsigned>(task.rows), kThreadsOfLongNorm,
             layer_norm_long_rows_gradient_kernel<T>, task);
      launch(
          queue,
          {static_cast<unsigned>(ceil_div(task.columns, kThreads)), static_cast<unsigned>(pieces)},
          kThreads, layer_norm_column_sums_kernel<T>, task);
    });
  }
  const bool packs = fit_packs(task, task.grad_y, task.grad_x);
  visit_layout<T>(task.columns, packs, [&](auto layout, int width) {
    const int64_t pieces = gradient_blocks(task.rows, kThreads / width);
    join_pieces(pieces, [&] {
      launch(queue, static_cast<unsigned>(pieces), kThreads,
             layer_norm_gradient_kernel<decltype(layout)>, task, width);
    });
  });
}

}  // namespace

void CudaBackend::do_layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                                const NormStatistics& of_rows) {
  visit_float(in.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    NormTask<T> task = task_of<T>(params, in, of_rows);
    if (task.rows == 0) return;
    task.y = y.as<T>();
    if (task.columns > kRowOfBlock)
      return launch(queue_, static_cast<unsigned>(task.rows), kThreadsOfLongNorm,
                    layer_norm_long_rows_kernel<T>, task);
    const bool packs = fit_packs<T>(task, nullptr, task.y);
    visit_layout<T>(task.columns, packs, [&](auto layout, int width) {
      launch(queue_, blocks_for_groups(task.rows, width), kThreads,
             layer_norm_kernel<decltype(layout)>, task, width);
    });
  });
}

void CudaBackend::do_layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                                         const NormStatistics& of_rows, ConstView grad_y,
                                         const NormGradients& gradients) {
  visit_float(in.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    NormTask<T> task = task_of<T>(params, in, of_rows);
    if (task.columns == 0) return;
    task.grad_y = grad_y.as<T>();
    task.grad_x = gradients.x.as<T>();
    const JoinSums join{.partial = nullptr,
                        .pieces = 0,
                        .columns = task.columns,
                        .gamma = gradients.gamma.as<float>(),
                        .beta = gradients.beta.as<float>()};
    gradient(queue_, pool_, task, join);
  });
}

}  // namespace d2l::cuda
