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

void CudaBackend::do_softmax(SoftmaxForm form, ConstView x, View y) {
  const auto rows = rows_of(x.shape);
  if (form == SoftmaxForm::plain)
    return softmax_rows(queue_, Softmax<AllCount>{x.as<float>(), {}, y.as<float>()}, rows);
  softmax_rows(queue_, LogSoftmax{x.as<float>(), {}, y.as<float>()}, rows);
}

void CudaBackend::do_softmax_backward(SoftmaxForm form, ConstView y, ConstView grad_y,
                                      View grad_x) {
  const auto rows = rows_of(y.shape);
  const float *result = y.as<float>(), *grad = grad_y.as<float>();
  if (form == SoftmaxForm::plain)
    return softmax_gradient_rows(
        queue_, SoftmaxGradient<AllCount>{result, grad, {}, grad_x.as<float>()}, rows);
  softmax_gradient_rows(queue_, LogSoftmaxGradient{result, grad, {}, grad_x.as<float>()}, rows);
}

}  // namespace d2l::cuda
