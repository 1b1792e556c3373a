#include <cmath>

#include "tests/backend/cases/batch_norm.h"
#include "tests/backend/naive.h"

namespace d2l::test {
namespace {

// The gradient before the activation: computed from y, or for a ReLU without a residual from its
// input.
Doubles gradient_before(const BatchNormParams& params, const Doubles& before, bool with_residual,
                        const Backend::NormOutput& out) {
  const bool from_y = out.y && (params.activation != Activation::relu || with_residual);
  const Doubles results = from_y ? doubles(out.y) : before;
  Doubles grad = doubles(out.grad_y);
  for (size_t i = 0; i < grad.size(); ++i) {
    const double y = results[i];
    if (params.activation == Activation::relu) grad[i] *= y > 0 ? 1 : 0;
    if (params.activation == Activation::sigmoid) grad[i] *= y * (1 - y);
    if (params.activation == Activation::tanh) grad[i] *= 1 - y * y;
  }
  return grad;
}

struct Normal {
  Doubles x, deviation;  // (x - mean) / deviation

  Normal(const BatchNormParams& params, const ConstView& from,
         const Backend::NormStatistics& statistics)
      : x(doubles(from)), deviation(doubles(statistics.variance)) {
    const Doubles mean = doubles(statistics.mean);
    for (double& each : deviation) each = std::sqrt(each + params.epsilon);
    for (size_t i = 0; i < x.size(); ++i) {
      const size_t c = i % mean.size();
      x[i] = (x[i] - mean[c]) / deviation[c];
    }
  }

  Doubles scaled(const Backend::NormOperands& in) const {
    const Doubles gamma = doubles(in.gamma), beta = doubles(in.beta), added = doubles(in.residual);
    Doubles result = x;
    for (size_t i = 0; i < result.size(); ++i) {
      result[i] = result[i] * gamma[i % gamma.size()] + beta[i % gamma.size()];
      if (in.residual) result[i] += added[i];
    }
    return result;
  }
};

void move_towards(const View& running, double momentum, const Doubles& wanted) {
  Doubles values = doubles(running);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = (1 - momentum) * values[i] + momentum * wanted[i];
  store(running, values);
}

}  // namespace

void PlainBatchNorm::batch_norm_statistics(const ConstView& x,
                                           const Backend::NormStatistics& of_batch,
                                           const Backend::NormRunning& running) const {
  const Doubles from = doubles(x);
  const auto channels = static_cast<size_t>(x.shape.size(-1));
  const auto rows = static_cast<double>(from.size() / channels);
  Doubles mean(channels), variance(channels);
  for (size_t i = 0; i < from.size(); ++i) mean[i % channels] += from[i] / rows;
  for (size_t i = 0; i < from.size(); ++i)
    variance[i % channels] += std::pow(from[i] - mean[i % channels], 2) / rows;
  store(of_batch.mean, mean);
  store(of_batch.variance, variance);
  if (!running.mean || from.empty()) return;
  move_towards(running.mean, running.momentum, mean);
  for (double& each : variance) each *= rows > 1 ? rows / (rows - 1) : 1;
  move_towards(running.variance, running.momentum, variance);
}

void PlainBatchNorm::batch_norm_apply(const BatchNormParams& params,
                                      const Backend::NormOperands& in,
                                      const Backend::NormStatistics& given, const View& y,
                                      const View&) const {
  Doubles result = Normal(params, in.x, given).scaled(in);
  for (double& each : result) each = naive::activate(params.activation, each);
  store(y, result);
}

void PlainBatchNorm::batch_norm_gradient_sums(const BatchNormParams& params,
                                              const Backend::NormOperands& in,
                                              const Backend::NormStatistics& of_batch,
                                              const Backend::NormOutput& out,
                                              const Backend::NormGradients& gradients) const {
  const Normal normal(params, in.x, of_batch);
  const Doubles grad =
      gradient_before(params, normal.scaled(in), static_cast<bool>(in.residual), out);
  const auto channels = static_cast<size_t>(in.gamma.elements());
  Doubles gamma(channels), beta(channels);
  for (size_t i = 0; i < grad.size(); ++i) {
    gamma[i % channels] += grad[i] * normal.x[i];
    beta[i % channels] += grad[i];
  }
  store(gradients.gamma, gamma);
  store(gradients.beta, beta);
  store(gradients.before, grad);
}

void PlainBatchNorm::batch_norm_gradient_input(const BatchNormParams& params,
                                               const Backend::NormOperands& in,
                                               const Backend::NormStatistics& of_batch,
                                               const Backend::NormOutput& out,
                                               const Backend::NormGradients& gradients) const {
  const Normal normal(params, in.x, of_batch);
  const Doubles grad = gradients.before ? doubles(gradients.before)
                                        : gradient_before(params, normal.scaled(in),
                                                          static_cast<bool>(in.residual), out);
  const Doubles scale = doubles(in.gamma);
  const Doubles gamma = doubles(gradients.gamma), beta = doubles(gradients.beta);
  const auto rows = static_cast<double>(gradients.rows);
  Doubles to;
  for (size_t i = 0; i < grad.size(); ++i) {
    const size_t c = i % scale.size();
    to.push_back(scale[c] / normal.deviation[c] *
                 (grad[i] - beta[c] / rows - normal.x[i] * gamma[c] / rows));
  }
  store(gradients.x, to);
}

}  // namespace d2l::test
