#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/softmax_tasks.h"

namespace d2l::cuda {
namespace {

struct LogSoftmax {
  static constexpr bool kFindsLargest = false;
  const float* x;
  AllCount counted;
  float* y;

  struct Results {
    float max, log_sum;
    __device__ float operator()(float x_at, float) const { return (x_at - max) - log_sum; }
  };
  __device__ Results results(const RowStatistics& row) const {
    return {row.max, std::log(row.sum)};
  }
  __device__ float rest(int64_t, int64_t) const { return 0; }
};

struct LogSoftmaxGradient {
  const float *y, *grad_y;
  AllCount counted;
  float* grad_x;

  __device__ float term(float, float grad) const { return grad; }
  __device__ float result(float y_at, float grad, float sum) const {
    return grad - exp_of_difference(y_at) * sum;
  }
};

}  // namespace

void CudaBackend::softmax(ConstView x, View y) {
  const Softmax<AllCount> task{x.as<float>(), {}, y.as<float>()};
  softmax_rows(queue_, task, rows_of(x.shape));
}

void CudaBackend::softmax_backward(ConstView y, ConstView grad_y, View grad_x) {
  const SoftmaxGradient<AllCount> task{y.as<float>(), grad_y.as<float>(), {}, grad_x.as<float>()};
  softmax_gradient_rows(queue_, task, rows_of(y.shape));
}

void CudaBackend::log_softmax(ConstView x, View y) {
  softmax_rows(queue_, LogSoftmax{x.as<float>(), {}, y.as<float>()}, rows_of(x.shape));
}

void CudaBackend::log_softmax_backward(ConstView y, ConstView grad_y, View grad_x) {
  const LogSoftmaxGradient task{y.as<float>(), grad_y.as<float>(), {}, grad_x.as<float>()};
  softmax_gradient_rows(queue_, task, rows_of(y.shape));
}

}  // namespace d2l::cuda
