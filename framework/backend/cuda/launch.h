#pragma once

#include <algorithm>
#include <cstdint>

#include "framework/backend/cuda/check.h"
#include "framework/backend/cuda/queue.h"

// Launches kernels in plain C++, without <<<>>>, so that a kernel is an ordinary function. Include
// it only in .cu files.

namespace d2l::cuda {

constexpr int kThreads = 256;  // per block, unless a kernel says otherwise
constexpr int kWarp = 32;

inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Launches kernel(arguments...) on grid x block threads. Does nothing for an empty grid.
template <class... Parameters, class... Arguments>
void launch(const Queue& queue, dim3 grid, dim3 block, void (*kernel)(Parameters...),
            const Arguments&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = queue.stream;
  D2L_CUDA(cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...));
}

// The number of blocks for a grid-stride loop over `count` items: enough to fill the device, no
// more.
inline dim3 blocks_for(const Queue& queue, int64_t count, int64_t per_block = kThreads) {
  return static_cast<unsigned>(
      std::min<int64_t>(ceil_div(count, per_block), int64_t{32} * queue.multiprocessors));
}

// A thread's first item and the stride to its next one in grid-stride loops over a 1-D grid.
__device__ inline int64_t first_item() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t item_step() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

template <class F>
__global__ void __launch_bounds__(kThreads) for_each_kernel(int64_t count, F f) {
  for (int64_t i = first_item(); i < count; i += item_step()) f(i);
}

// Calls f(i) for all i in [0, count); F is a small object with a __device__ operator().
template <class F>
void for_each(const Queue& queue, int64_t count, const F& f) {
  launch(queue, blocks_for(queue, count), kThreads, for_each_kernel<F>, count, f);
}

}  // namespace d2l::cuda
