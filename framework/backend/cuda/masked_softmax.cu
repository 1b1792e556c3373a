#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/softmax_tasks.h"

namespace d2l::cuda {
namespace {

// If lengths has one number per batch element, all its rows share it.
LengthsCount count_of(ConstView lengths, const Shape& shape) {
  return {lengths.as<int64_t>(), lengths.shape.rank() == 2 ? 1 : shape[1]};
}

}  // namespace

void CudaBackend::do_masked_softmax(ConstView x, ConstView lengths, View y) {
  const Softmax<LengthsCount> task{x.as<float>(), count_of(lengths, x.shape), y.as<float>()};
  softmax_rows(queue_, task, rows_of(x.shape));
}

void CudaBackend::do_masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                             View grad_x) {
  const SoftmaxGradient<LengthsCount> task{y.as<float>(), grad_y.as<float>(),
                                           count_of(lengths, y.shape), grad_x.as<float>()};
  softmax_gradient_rows(queue_, task, rows_of(y.shape));
}

}  // namespace d2l::cuda
