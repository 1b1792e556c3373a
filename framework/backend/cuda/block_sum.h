#pragma once

#include "framework/backend/cuda/launch.h"

// Reductions over a warp or a block, in a fixed order.

namespace d2l::cuda {

struct Plus {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Larger {
  // NaN wins.
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};
struct Smaller {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};

// Reduces over groups of `width` adjacent lanes, a power of 2; every lane gets its group's result.
// All 32 lanes of the warp must call this.
template <class T, class Op>
__device__ T group_all(T value, Op op, int width) {
  for (int step = width / 2; step > 0; step /= 2)
    value = op(value, __shfl_xor_sync(0xffffffffu, value, step));
  return value;
}

template <class T, class Op>
__device__ T warp_all(T value, Op op) {
  return group_all(value, op, kWarp);
}

// Reduces over all threads of a block; every thread gets the result. Blocks have one dimension, a
// multiple of 32 and at most 1024 threads, which must all call this. `identity`: op(identity, x) ==
// x.
template <class T, class Op>
__device__ T block_all(T value, Op op, T identity) {
  __shared__ T of_warps[kWarp];
  const int lane = static_cast<int>(threadIdx.x) % kWarp,
            warp = static_cast<int>(threadIdx.x) / kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  value = warp_all(value, op);
  __syncthreads();  // the values of an earlier call have been read
  if (lane == 0) of_warps[warp] = value;
  __syncthreads();
  return warp_all(lane < warps ? of_warps[lane] : identity, op);
}

}  // namespace d2l::cuda
