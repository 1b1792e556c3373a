#include "framework/autograd/normalization.h"

#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"

namespace d2l {
namespace {

Backend::NormOperands operands(const Variable& x, const Variable& gamma, const Variable& beta) {
  return {x.value().view(), gamma.value().view(), beta.value().view()};
}

Variable batch_norm_inference(const Variable& x, const Variable& gamma, const Variable& beta,
                              BatchNormState& state, const BatchNormParams& params) {
  Tensor y(x.backend(), x.shape());
  y.backend().batch_norm_inference(params, operands(x, gamma, beta),
                                   {state.running_mean.view(), state.running_variance.view()},
                                   y.view());
  // The statistics are constants here: y = (x - mean) scale gamma + beta.
  Tensor scale = 1.0 / sqrt(state.running_variance + params.epsilon);
  Tensor mean = state.running_mean.clone();
  return Variable::result(y, {x, gamma, beta}, [x, gamma, beta, scale, mean](const Tensor& grad) {
    if (x.requires_grad()) x.contribute(grad * (gamma.value() * scale));
    if (gamma.requires_grad())
      gamma.contribute(sum_to(grad * (x.value() - mean), gamma.shape()) * scale);
    if (beta.requires_grad()) beta.contribute(sum_to(grad, beta.shape()));
  });
}

}  // namespace

Variable batch_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    BatchNormState& state, const BatchNormParams& params) {
  int64_t channels = x.shape().size(-1);
  check(gamma.shape() == Shape{channels}, "batch_norm: input ", x.shape(), " has ", channels,
        " channels, gamma has shape ", gamma.shape());
  if (!state.training) return batch_norm_inference(x, gamma, beta, state, params);
  Backend& backend = x.backend();
  Tensor y(backend, x.shape()), mean(backend, Shape{channels}), variance(backend, Shape{channels});
  int64_t rows = x.value().elements() / std::max<int64_t>(channels, 1);
  const Backend::NormStatistics statistics{mean.view(), variance.view()};
  if (rows > 0) {  // an empty part of a batch has no statistics
    backend.batch_norm(params, operands(x, gamma, beta), y.view(), statistics);
    double unbiased = rows > 1 ? static_cast<double>(rows) / static_cast<double>(rows - 1) : 1.0;
    double old = 1 - state.momentum;
    axpby(state.momentum, mean, old, state.running_mean);
    axpby(state.momentum * unbiased, variance, old, state.running_variance);
  }
  return Variable::result(
      y, {x, gamma, beta},
      [x, gamma, beta, params, mean, variance, statistics, rows](const Tensor& grad) {
        Backend& on = grad.backend();
        Tensor grad_x(on, x.shape()), grad_gamma(on, gamma.shape()), grad_beta(on, beta.shape());
        if (rows > 0) {
          on.batch_norm_backward(params, operands(x, gamma, beta), statistics, grad.view(),
                                 {grad_x.view(), grad_gamma.view(), grad_beta.view()});
        } else {
          on.fill(grad_gamma.view(), 0);
          on.fill(grad_beta.view(), 0);
        }
        x.contribute(grad_x);
        gamma.contribute(grad_gamma);
        beta.contribute(grad_beta);
      });
}

}  // namespace d2l
