#include "framework/autograd/normalization.h"

#include "framework/autograd/activation_gradient.h"
#include "framework/autograd/arrange.h"
#include "framework/tensor/arrange.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"

namespace d2l {
namespace {

Backend::NormOperands operands(const BatchNormInput& in) {
  return {in.x.value().view(), in.gamma.value().view(), in.beta.value().view(),
          in.residual.defined() ? in.residual.value().view() : ConstView{}};
}

void check_shapes(const BatchNormInput& in) {
  const Shape channels{in.x.shape().size(-1)};
  check(in.gamma.shape() == channels && in.beta.shape() == channels, "batch_norm: input ",
        in.x.shape(), " has ", channels[0], " channels, gamma has shape ", in.gamma.shape(),
        " and beta ", in.beta.shape());
  if (!in.residual.defined()) return;
  check(in.residual.shape() == in.x.shape(), "batch_norm: input ", in.x.shape(),
        " expects a residual of its shape, found ", in.residual.shape());
  check_dtype("batch_norm: residual", in.residual.value(), in.x.value().dtype());
}

// Uses the running statistics, which are constants: y = (x - mean) scale gamma + beta.
Variable batch_norm_inference(const BatchNormInput& in, BatchNormState& state,
                              const BatchNormParams& params) {
  Tensor y(in.x.backend(), in.x.shape(), in.x.value().dtype());
  y.backend().batch_norm_apply(params, operands(in),
                               {state.running_mean.view(), state.running_variance.view()}, y.view(),
                               {});
  Tensor scale = 1.0 / sqrt(state.running_variance + params.epsilon);
  Tensor mean = state.running_mean.clone();
  return Variable::result(
      y, {in.x, in.gamma, in.beta, in.residual},
      [in, params, y, scale, mean](const Tensor& grad_y) {
        const Tensor grad = gradient_before(params.activation, y, grad_y);
        const Tensor full = grad.cast(DType::f32);
        if (in.x.requires_grad())
          in.x.contribute((full * (in.gamma.value() * scale)).cast(grad.dtype()));
        if (in.gamma.requires_grad()) {
          Tensor centred = in.x.value().cast(DType::f32) - mean;
          in.gamma.contribute(sum_to(full * centred, in.gamma.shape()) * scale);
        }
        if (in.beta.requires_grad()) in.beta.contribute(sum_to(full, in.beta.shape()));
        if (in.residual.requires_grad()) in.residual.contribute(grad.clone());
      });
}

// The statistics of one training pass.
struct TrainingStatistics {
  Tensor mean, variance;  // [c], biased
  int64_t rows = 0;       // the number of rows that they are over
  Backend::NormStatistics views() { return {mean.view(), variance.view()}; }
};

// Combines the statistics of all ranks: sums n, n mean and n (variance + mean^2) in f64.
void join_statistics(TrainingStatistics& statistics,
                     const std::function<void(Tensor&)>& sum_over_ranks) {
  const int64_t channels = statistics.mean.elements();
  std::vector<float> mean = statistics.mean.to_vector<float>();
  std::vector<float> variance = statistics.variance.to_vector<float>();
  std::vector<double> sums(2 * static_cast<size_t>(channels) + 1);
  const double rows = static_cast<double>(statistics.rows);
  sums[0] = rows;
  for (size_t c = 0; c < mean.size(); ++c) {
    const double m = static_cast<double>(mean[c]), v = static_cast<double>(variance[c]);
    sums[1 + c] = rows * m;
    sums[1 + mean.size() + c] = rows * (v + m * m);
  }
  Tensor joined = from_vector<double>(statistics.mean.backend(), {2 * channels + 1}, sums);
  sum_over_ranks(joined);
  sums = joined.to_vector<double>();
  statistics.rows = static_cast<int64_t>(sums[0]);
  for (size_t c = 0; c < mean.size(); ++c) {
    const double m = sums[1 + c] / sums[0];
    mean[c] = static_cast<float>(m);
    variance[c] = static_cast<float>(std::max(0.0, sums[1 + mean.size() + c] / sums[0] - m * m));
  }
  statistics.mean = from_vector<float>(statistics.mean.backend(), {channels}, mean);
  statistics.variance = from_vector<float>(statistics.mean.backend(), {channels}, variance);
}

// Also updates the running statistics, unless the batch has only one value per channel: its
// variance of 0 would pull the running variance towards 0.
TrainingStatistics find_statistics(const Variable& x, BatchNormState& state) {
  const Shape channels{x.shape().size(-1)};
  const Backend::NormRunning running{state.running_mean.view(), state.running_variance.view(),
                                     state.momentum};
  TrainingStatistics statistics{Tensor(x.backend(), channels), Tensor(x.backend(), channels),
                                x.value().elements() / std::max<int64_t>(channels[0], 1)};
  const bool joins = static_cast<bool>(state.sum_over_ranks);
  x.backend().batch_norm_statistics(
      x.value().view(), statistics.views(),
      joins || statistics.rows < 2 ? Backend::NormRunning{} : running);
  if (!joins) return statistics;
  join_statistics(statistics, state.sum_over_ranks);
  if (statistics.rows > 1) running.follow(x.backend(), statistics.views(), statistics.rows);
  return statistics;
}

// Memory for the gradients of gamma and beta, which may be the same variable.
struct NormSums {
  Tensor gamma, beta;

  NormSums(const Variable& of_gamma, const Variable& of_beta)
      : gamma(of_gamma.contribution_memory()), beta(of_beta.contribution_memory()) {
    if (gamma.view().data == beta.view().data) beta = Tensor(beta.backend(), beta.shape());
  }
  // Later contributions may add to this memory.
  void contribute_to(const Variable& of_gamma, const Variable& of_beta) const {
    of_gamma.contribute(gamma);
    of_beta.contribute(beta);
  }
};

// Sums over the rows of all ranks, which grad_x needs; the parameters get this rank's sums.
void join_sums(NormSums& sums, const std::function<void(Tensor&)>& sum_over_ranks) {
  Tensor both = concat({sums.gamma, sums.beta}).cast(DType::f64);
  sum_over_ranks(both);
  const int64_t channels = sums.gamma.elements();
  sums.gamma = both.rows(0, channels).cast(DType::f32);
  sums.beta = both.rows(channels, 2 * channels).cast(DType::f32);
}

// What the gradient needs of a batch norm's result. Either may be undefined.
struct NormKept {
  Tensor y, mask;
};

// Whether the gradient before the activation is stored in an array of its own. With a ReLU and no
// residual, the kernels compute it from x instead.
bool keeps_before(const BatchNormInput& in, const BatchNormParams& params) {
  return params.activation != Activation::none &&
         (params.activation != Activation::relu || in.residual.defined());
}

// Also writes y.
NormKept apply(const BatchNormInput& in, const BatchNormParams& params,
               const Backend::NormStatistics& statistics, Tensor& y) {
  NormKept kept;
  Backend& backend = y.backend();
  if (const int64_t bytes = backend.batch_norm_mask_bytes(params, operands(in)); bytes > 0)
    kept.mask = Tensor(backend, {bytes}, DType::u8);
  else if (keeps_before(in, params))
    kept.y = y;
  backend.batch_norm_apply(params, operands(in), statistics, y.view(), view_or_none(kept.mask));
  return kept;
}

}  // namespace

Variable batch_norm(const BatchNormInput& in, BatchNormState& state,
                    const BatchNormParams& params) {
  check_shapes(in);
  if (!state.training) return batch_norm_inference(in, state, params);
  Tensor y(in.x.backend(), in.x.shape(), in.x.value().dtype());
  TrainingStatistics statistics = find_statistics(in.x, state);
  NormKept kept;
  if (statistics.rows > 0)
    kept = apply(in, params, statistics.views(), y);  // no statistics without rows
  return Variable::result(
      y, {in.x, in.gamma, in.beta, in.residual},
      [in, params, statistics, kept, sum = state.sum_over_ranks](const Tensor& grad_y) mutable {
        Backend& backend = grad_y.backend();
        NormSums sums(in.gamma, in.beta);
        Tensor before, grad_x;
        if (keeps_before(in, params)) before = Tensor(backend, in.x.shape(), grad_y.dtype());
        const Backend::NormOutput out{view_or_none(kept.y), grad_y.view(), view_or_none(kept.mask)};
        backend.batch_norm_gradient_sums(
            params, operands(in), statistics.views(), out,
            {{}, sums.gamma.view(), sums.beta.view(), view_or_none(before)});
        NormSums joined = sums;
        if (sum) join_sums(joined, sum);
        if (in.x.requires_grad()) {
          grad_x = Tensor(backend, in.x.shape(), grad_y.dtype());
          backend.batch_norm_gradient_input(params, operands(in), statistics.views(), out,
                                            {grad_x.view(), joined.gamma.view(), joined.beta.view(),
                                             view_or_none(before), statistics.rows});
        }
        sums.contribute_to(in.gamma, in.beta);
        if (grad_x.defined()) in.x.contribute(grad_x);
        in.residual.contribute(before.defined() ? before : grad_y);
      });
}

Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                    const LayerNormParams& params) {
  check(x.shape().rank() >= 1, "layer_norm: expected at least one axis, found a scalar");
  const Shape channels{x.shape().size(-1)};
  check(gamma.shape() == channels && beta.shape() == channels, "layer_norm: input ", x.shape(),
        " expects gamma and beta ", channels, ", found ", gamma.shape(), " and ", beta.shape());
  Backend& backend = x.backend();
  const Shape rows = x.shape().without_axis(x.shape().rank() - 1);
  Tensor y(backend, x.shape(), x.value().dtype()), mean(backend, rows), variance(backend, rows);
  const Backend::NormStatistics statistics{mean.view(), variance.view()};
  const auto in = [x, gamma, beta] {
    return Backend::NormOperands{x.value().view(), gamma.value().view(), beta.value().view(), {}};
  };
  backend.layer_norm(params, in(), y.view(), statistics);
  return Variable::result(
      y, {x, gamma, beta},
      [x, gamma, beta, in, params, mean, variance, statistics](const Tensor& grad) {
        Backend& on = grad.backend();
        NormSums sums(gamma, beta);
        Tensor grad_x(on, x.shape(), x.value().dtype());
        on.layer_norm_backward(params, in(), statistics, grad.view(),
                               {grad_x.view(), sums.gamma.view(), sums.beta.view(), {}});
        sums.contribute_to(gamma, beta);
        x.contribute(grad_x);
      });
}

}  // namespace d2l
