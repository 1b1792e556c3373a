#pragma once

#include <cuda_runtime.h>

namespace d2l::cuda {

// Where kernels go, in order.
struct Queue {
  cudaStream_t stream = nullptr;
  int multiprocessors = 1;
};

}  // namespace d2l::cuda
