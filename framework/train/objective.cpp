#include "framework/train/objective.h"

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/tensor/elementwise.h"

namespace d2l {

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
