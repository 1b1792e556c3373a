#include "framework/train/objectives/regression.h"

#include <cmath>
#include <limits>

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/base/error.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"

namespace d2l {
namespace {

Metric error_metric(const std::string& name, const std::string& sum, bool is_square) {
  return {.name = name,
          .label = name,
          .sum = sum,
          .most = std::numeric_limits<double>::infinity(),
          .larger_is_better = false,
          .of_average = is_square ? [](double average) { return std::sqrt(average); }
                                  : [](double average) { return average; }};
}

std::vector<Metric> metrics_of(const RegressionOptions& options) {
  std::vector<Metric> metrics = {error_metric("rmse", "squared_error", true),
                                 error_metric("mae", "absolute_error", false)};
  if (options.log_error) metrics.push_back(error_metric("log_rmse", "squared_log_error", true));
  return metrics;
}

// The average over a sample's elements.
Tensor per_sample(const Tensor& errors) { return mean(errors, {1}); }

class Regression final : public Objective {
 public:
  explicit Regression(const RegressionOptions& options)
      : Objective(metrics_of(options)), options_(options) {
    check(options.huber_delta > 0, "regression: expected a delta above 0, found ",
          options.huber_delta);
  }

  Result operator()(const Variable& outputs, const Tensor& targets, Phase) const override {
    const int64_t samples = targets.size(0);
    check(outputs.shape().elements() == targets.elements() && outputs.shape()[0] == samples,
          "regression: expected outputs like the targets ", targets.shape(), ", found ",
          outputs.shape());
    const Shape rows{samples, samples > 0 ? targets.elements() / samples : 1};
    const Tensor wanted = targets.reshape(rows);
    const Variable predicted = reshape(cast(outputs, DType::f32), {rows[0], rows[1]});
    const Variable difference = predicted - Variable(wanted);
    Result result{mean(loss_of(difference), {1}), {}};
    const Tensor& error = difference.value();
    result.numbers = {per_sample(square(error)), per_sample(abs(error))};
    if (options_.log_error)
      result.numbers.push_back(per_sample(square(log_of(predicted.value()) - log_of(wanted))));
    return result;
  }
  DType target_type() const override { return DType::f32; }

 private:
  Variable loss_of(const Variable& difference) const {
    switch (options_.loss) {
      case RegressionOptions::Loss::squared:
        return square(difference) * 0.5;
      case RegressionOptions::Loss::absolute:
        return abs(difference);
      case RegressionOptions::Loss::huber:
        break;
    }
    // c^2 / 2 + delta (|d| - c), where c is the part of |d| up to delta.
    const double delta = options_.huber_delta;
    const Variable size = abs(difference);
    const Variable beyond = relu(size - delta), within = size - beyond;
    return square(within) * 0.5 + beyond * delta;
  }

  static Tensor log_of(const Tensor& values) { return log(binary(Binary::maximum, values, 1)); }

  RegressionOptions options_;
};

}  // namespace

std::unique_ptr<Objective> make_regression(const RegressionOptions& options) {
  return std::make_unique<Regression>(options);
}

}  // namespace d2l
