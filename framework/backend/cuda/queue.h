#pragma once

#include <cuda_runtime.h>

namespace d2l::cuda {

// The stream that kernels are queued on, and its device's number of multiprocessors.
struct Queue {
  cudaStream_t stream = nullptr;
  int multiprocessors = 1;
};

}  // namespace d2l::cuda
