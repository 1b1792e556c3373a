#pragma once

#include "framework/backend/cuda/softmax_rows.h"

namespace d2l::cuda {

// Softmax; a row in which everything is masked is uniform.
template <class Count>
struct Softmax {
  static constexpr bool kFindsLargest = false;
  const float* x;
  Count counted;
  float* y;

  struct Results {
    float factor;
    __device__ float operator()(float, float e) const { return e * factor; }
  };
  __device__ Results results(const RowStatistics& row) const { return {1.0f / row.sum}; }
  __device__ float rest(int64_t count, int64_t columns) const {
    return count > 0 ? 0.0f : 1.0f / static_cast<float>(columns);
  }
};

template <class Count>
struct SoftmaxGradient {
  const float *y, *grad_y;
  Count counted;
  float* grad_x;

  __device__ float term(float y_at, float grad) const { return y_at * grad; }
  __device__ float result(float y_at, float grad, float dot) const { return y_at * (grad - dot); }
};

}  // namespace d2l::cuda
