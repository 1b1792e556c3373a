#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l::test {

struct GradcheckOptions {
  float step = 1e-2f;      // the inputs change by this in both directions
  double relative = 2e-2;  // relative to the larger of the two derivatives
  double absolute = 5e-3;
  // Skips elements whose left and right slopes differ by more than this, because of a kink between.
  // 0: skips none. At most a fifth of all elements may be skipped.
  double kink = 0;
};

using GradcheckFunction = std::function<Variable(const std::vector<Variable>&)>;

// sum(seed * f(inputs)), accumulated in f64.
inline double seeded_sum(const GradcheckFunction& f, const std::vector<Tensor>& inputs,
                         const std::vector<float>& seed) {
  std::vector<Variable> constants;
  for (const Tensor& input : inputs) constants.emplace_back(input);
  std::vector<float> values = f(constants).value().to_vector<float>();
  double total = 0;
  for (size_t i = 0; i < values.size(); ++i)
    total += static_cast<double>(values[i]) * static_cast<double>(seed[i]);
  return total;
}

// Compares the gradients from backward() with central differences, for every element of every input
// and a random seed gradient.
inline testing::AssertionResult gradcheck(const GradcheckFunction& f, std::vector<Tensor> inputs,
                                          const GradcheckOptions& options = {}) {
  std::vector<Variable> leaves;
  for (const Tensor& input : inputs) leaves.emplace_back(input.clone(), true);
  Variable result = f(leaves);
  Tensor seed = uniform(result.backend(), result.shape(), {.seed = 99, .stream = 1}, 0.5, 1.5);
  std::vector<float> weights = seed.to_vector<float>();
  double middle = seeded_sum(f, inputs, weights);
  result.backward(seed);

  size_t elements = 0, skipped = 0;
  for (size_t k = 0; k < inputs.size(); ++k) {
    if (!leaves[k].has_grad())
      return testing::AssertionFailure() << "input " << k << ": no gradient";
    std::vector<float> analytic = leaves[k].grad().to_vector<float>();
    const std::vector<float> x = inputs[k].to_vector<float>();
    Tensor flat = inputs[k].reshape({-1});
    for (size_t i = 0; i < analytic.size(); ++i, ++elements) {
      const auto sum_at = [&](float value) {
        Backend& backend = flat.backend();
        backend.fill(flat[static_cast<int64_t>(i)].view(), static_cast<double>(value));
        return seeded_sum(f, inputs, weights);
      };
      float original = x[i], above = original + options.step, below = original - options.step;
      double high = sum_at(above), low = sum_at(below);
      flat.backend().fill(flat[static_cast<int64_t>(i)].view(), static_cast<double>(original));
      double right = (high - middle) / static_cast<double>(above - original);
      double left = (middle - low) / static_cast<double>(original - below);
      if (options.kink > 0 && std::abs(right - left) > options.kink) {
        ++skipped;
        continue;
      }
      double numeric = (high - low) / static_cast<double>(above - below);
      double found = static_cast<double>(analytic[i]);
      double scale = std::max(std::abs(numeric), std::abs(found));
      if (!(std::abs(numeric - found) <= options.absolute + options.relative * scale))
        return testing::AssertionFailure()
               << "input " << k << " " << inputs[k].shape() << ", element " << i
               << ": backward() found " << found << ", differences " << numeric;
    }
  }
  if (skipped * 5 > elements)
    return testing::AssertionFailure() << skipped << " of " << elements << " elements have kinks";
  return testing::AssertionSuccess();
}

}  // namespace d2l::test
