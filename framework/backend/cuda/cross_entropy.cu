#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/softmax_tasks.h"

namespace d2l::cuda {
namespace {

struct CrossEntropy : Softmax<AllCount> {
  static constexpr bool kFindsLargest = true;
  const int64_t* labels;
  int64_t columns;
  float *losses, *correct;

  __device__ void finish(int64_t row, int64_t first_largest, const RowStatistics& of_row) const {
    const int64_t label = labels[row];
    losses[row] = std::log(of_row.sum) - (x[row * columns + label] - of_row.max);
    correct[row] = first_largest == label ? 1.0f : 0.0f;
  }
};

struct CrossEntropyGradient {
  const float* probabilities;
  const int64_t* labels;
  const float* grad_losses;
  float* grad_logits;
};

// One group of threads, up to a whole block, per row.
__global__ void __launch_bounds__(kThreads)
    cross_entropy_gradient_kernel(CrossEntropyGradient of, SoftmaxRows rows, int width) {
  const RowPlace at(width);
  if (at.row >= rows.count) return;
  const float factor = of.grad_losses[at.row];
  const int64_t label = of.labels[at.row], offset = at.row * rows.columns;
  for (int64_t i = at.lane; i < rows.columns; i += width) {
    const float probability = of.probabilities[offset + i];
    of.grad_logits[offset + i] = (i == label ? probability - 1.0f : probability) * factor;
  }
}

}  // namespace

void CudaBackend::do_cross_entropy(ConstView logits, ConstView labels, View losses,
                                   View probabilities, View correct) {
  const SoftmaxRows rows = rows_of(logits.shape);
  const CrossEntropy task{{logits.as<float>(), {}, probabilities.as<float>()},
                          labels.as<int64_t>(),
                          rows.columns,
                          losses.as<float>(),
                          correct.as<float>()};
  softmax_rows(queue_, task, rows);
}

void CudaBackend::do_cross_entropy_backward(ConstView probabilities, ConstView labels,
                                            ConstView grad_losses, View grad_logits) {
  const SoftmaxRows rows = rows_of(probabilities.shape);
  if (rows.count == 0) return;
  const int width = rows.columns > kShortRow ? kThreads : group_width(rows.columns);
  const CrossEntropyGradient task{probabilities.as<float>(), labels.as<int64_t>(),
                                  grad_losses.as<float>(), grad_logits.as<float>()};
  launch(queue_, blocks_for_groups(rows.count, width), kThreads, cross_entropy_gradient_kernel,
         task, rows, width);
}

}  // namespace d2l::cuda
