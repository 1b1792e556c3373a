#pragma once

#include "framework/backend/cuda/launch.h"

// Sums (and the like) over a warp or a block; the order of additions is fixed.

namespace d2l::cuda {

struct Plus {
  template <class T>
  __device__ T operator()(T a, T b) const {
    return a + b;
  }
};
struct Larger {
  // NaN wins, as everywhere
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

// Every lane gets op over its group of `width` neighbouring lanes, a power of 2; all 32 lanes of
// the warp must call.
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

// Every thread gets op over all threads of a block of one dimension, a multiple of 32 and at most
// 1024, which must all call. `identity`: op(identity, x) == x.
template <class T, class Op>
__device__ T block_all(T value, Op op, T identity) {
  __shared__ T of_warps[kWarp];
  const int lane = static_cast<int>(threadIdx.x) % kWarp,
            warp = static_cast<int>(threadIdx.x) / kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  value = warp_all(value, op);
  __syncthreads();  // an earlier call's values have been read
  if (lane == 0) of_warps[warp] = value;
  __syncthreads();
  return warp_all(lane < warps ? of_warps[lane] : identity, op);
}

}  // namespace d2l::cuda
