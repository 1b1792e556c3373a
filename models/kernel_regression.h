#pragma once

#include <vector>

#include "framework/nn/module.h"

namespace d2l::models {

// Nadaraya-Watson regression as attention (chapter 10.2): the result for a query is the weighted
// average of the values y, with weights softmax(-((query - x[i]) w)^2 / 2) over i. w is 1, or
// learned: parameter weight [1], initially uniform in [0, 1).
class KernelRegression final : public nn::Module {
 public:
  enum class Width { fixed, learned };
  // x and y [m], m at least 2.
  KernelRegression(const Tensor& x, const Tensor& y, Width width);
  // queries [n] -> [n]
  Variable forward(const Variable& queries, const nn::Context& context) override;
  // The prediction for each x[i] without x[i] and y[i] themselves: [m].
  Variable leave_one_out() const;

 private:
  // queries [n], keys and values [n, k] -> [n]
  Variable pool(const Variable& queries, const Tensor& keys, const Tensor& values) const;

  Tensor x_, y_;
  std::shared_ptr<nn::Parameter> weight_;
};

// The book's task: y = 2 sin x + x^.8 + N(0, .5) at `samples` sorted points x, uniform in [0, 5);
// gradient descent on the sum of the squared errors of leave_one_out().
struct KernelRegressionOptions {
  int64_t samples = 50;
  int64_t epochs = 5;
  double lr = 0.5;
  uint64_t seed = 0;
};

struct KernelRegressionReport {
  // Mean squared errors against 2 sin x + x^.8 at 0, .1, ... 4.9, for the mean of all y, w = 1 and
  // the learned w.
  double average = 0, fixed = 0, learned = 0;
  double weight = 0;                                      // w, learned
  std::vector<double> losses;                             // before each epoch
  std::vector<double> truth, fixed_curve, learned_curve;  // at 0, .1, ... 4.9
};

KernelRegressionReport kernel_regression(Backend& backend,
                                         const KernelRegressionOptions& options = {});

}  // namespace d2l::models
