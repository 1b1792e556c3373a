#include "models/kernel_regression.h"

#include <algorithm>
#include <cmath>

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/autograd/linear.h"
#include "framework/autograd/softmax.h"
#include "framework/nn/parameter_set.h"
#include "framework/tensor/arrange.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"

namespace d2l::models {
namespace {

// Row i is x without element i: [m] -> [m, m - 1].
Tensor without_each(const Tensor& x) {
  const std::vector<float> all = x.to_vector<float>();
  std::vector<float> rows;
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = 0; j < all.size(); ++j)
      if (j != i) rows.push_back(all[j]);
  return from_vector(x.backend(), {x.size(0), x.size(0) - 1}, rows);
}

Tensor truth_at(const Tensor& x) { return 2.0 * sin(x) + pow(x, 0.8); }

struct Samples {
  Tensor x, y;
};

Samples draw(Backend& backend, const KernelRegressionOptions& options) {
  const auto key = [&](const char* what) { return RngKey{options.seed, stream_of(what)}; };
  std::vector<float> places =
      uniform(backend, {options.samples}, key("kernel-regression/x"), 0, 5).to_vector<float>();
  std::sort(places.begin(), places.end());
  const Tensor x = from_vector(backend, {options.samples}, places);
  return {x, truth_at(x) + normal(backend, x.shape(), key("kernel-regression/noise"), 0, 0.5)};
}

double mean_squared_error(const Tensor& found, const Tensor& truth) {
  return mean(square(found - truth)).item<double>();
}

}  // namespace

KernelRegression::KernelRegression(const Tensor& x, const Tensor& y, Width width)
    : x_(x),
      y_(y),
      weight_(width == Width::learned ? add_parameter("weight", Shape{1}, nn::uniform(0, 1))
                                      : nullptr) {
  check(x.rank() == 1 && x.size(0) >= 2 && x.shape() == y.shape(),
        "kernel regression: expected at least 2 samples x [m] and y [m], found ", x.shape(),
        " and ", y.shape());
}

Variable KernelRegression::pool(const Variable& queries, const Tensor& keys,
                                const Tensor& values) const {
  const int64_t n = keys.size(0), count = keys.size(1);
  Variable distance = reshape(queries, {n, 1}) - Variable(keys);
  if (weight_) distance = distance * weight_->variable;
  const Variable weights = reshape(softmax(square(distance) * -0.5), {n, 1, count});
  return reshape(matmul(weights, Variable(values.reshape({n, count, 1}))), {n});
}

Variable KernelRegression::forward(const Variable& queries, const nn::Context&) {
  check(queries.shape().rank() == 1, "kernel regression: expected queries [n], found ",
        queries.shape());
  const Shape all{queries.shape()[0], x_.size(0)};
  return pool(queries, broadcast_to(x_, all), broadcast_to(y_, all));
}

Variable KernelRegression::leave_one_out() const {
  return pool(Variable(x_), without_each(x_), without_each(y_));
}

KernelRegressionReport kernel_regression(Backend& backend, const KernelRegressionOptions& options) {
  const auto [x, y] = draw(backend, options);
  KernelRegression fixed(x, y, KernelRegression::Width::fixed);
  KernelRegression learned(x, y, KernelRegression::Width::learned);
  nn::ParameterSet parameters(learned, backend, options.seed);
  KernelRegressionReport report;
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    Variable loss = sum(square(learned.leave_one_out() - Variable(y)));
    report.losses.push_back(loss.value().item<double>());
    parameters.zero_grad();
    loss.backward();
    axpby(-options.lr, parameters.gradients(), 1, parameters.values());
  }
  NoGrad no_grad;
  const Tensor places = arange(backend, 50) * 0.1, truth = truth_at(places);
  const auto answers = [&](nn::Module& model) {
    return model.forward(Variable(places), {}).value();
  };
  const Tensor by_fixed = answers(fixed), by_learned = answers(learned);
  report.average = mean_squared_error(broadcast_to(mean(y), truth.shape()), truth);
  report.fixed = mean_squared_error(by_fixed, truth);
  report.learned = mean_squared_error(by_learned, truth);
  report.weight = learned.parameters()[0].second->variable.value().item<double>();
  report.truth = truth.to_vector<double>();
  report.fixed_curve = by_fixed.to_vector<double>();
  report.learned_curve = by_learned.to_vector<double>();
  return report;
}

}  // namespace d2l::models
