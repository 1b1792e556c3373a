#include "framework/train/objective.h"

#include <limits>

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/base/error.h"
#include "framework/base/text.h"
#include "framework/tensor/elementwise.h"

namespace d2l {

std::string Metric::text(double value) const {
  return most == 1 ? fixed(value, 3) : rounded(value);
}

Metric loss_metric() {
  return {.name = "loss",
          .label = "loss",
          .sum = "loss",
          .most = std::numeric_limits<double>::infinity(),
          .larger_is_better = false};
}

Metric deciding_metric(const std::vector<Metric>& metrics, const std::string& name) {
  if (name.empty() && !metrics.empty()) return metrics.front();
  if (name.empty() || name == loss_metric().name) return loss_metric();
  std::string names;
  for (const Metric& metric : metrics) {
    if (metric.name == name) return metric;
    names += concat(names.empty() ? "" : ", ", metric.name);
  }
  throw UsageError(concat("--best expects ", names, names.empty() ? "" : " or ", loss_metric().name,
                          ", found '", name, "'"));
}

Objective::Result Objective::of_mixed(const Variable& outputs, const MixedTargets& targets) const {
  check(mixes_targets(), "expected an objective with classes for mixed samples");
  const Variable scores = cast(outputs, DType::f32);  // once, so that gradients are rounded once
  const Result own = (*this)(scores, targets.own, Phase::training);
  const Result partners = (*this)(scores, targets.partners, Phase::training);
  const Variable weight(targets.weights);
  Result result{own.losses * weight + partners.losses * (1 - weight), {}};
  const Tensor is_larger = compare(Compare::greater_equal, targets.weights, 0.5).cast(DType::f32);
  for (size_t i = 0; i < own.numbers.size(); ++i)
    result.numbers.push_back(is_larger * own.numbers[i] + (1 - is_larger) * partners.numbers[i]);
  return result;
}

}  // namespace d2l
