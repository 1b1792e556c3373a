#include "framework/optim/step_ranges.h"

#include <cmath>

#include "framework/base/error.h"

namespace d2l {

std::vector<StepRange> ranges_per_slot(const nn::ParameterSet& parameters, Decay decay,
                                       const LrFactors& lr_factors) {
  const auto& slots = parameters.slots();
  check(lr_factors.empty() || lr_factors.size() == slots.size(),
        "optimizer: expected a factor on the learning rate for each of ", slots.size(),
        " parameters, found ", lr_factors.size());
  for (double factor : lr_factors)
    check(std::isfinite(factor) && factor >= 0,
          "optimizer: expected finite factors of at least 0 on the learning rate, found ", factor);
  std::vector<StepRange> ranges;
  for (size_t i = 0; i < slots.size(); ++i) {
    const auto& slot = slots[i];
    if (slot.frozen) continue;
    const bool decays = decay == Decay::all || slot.shape.rank() > 1;
    ranges.push_back({.begin = slot.begin,
                      .end = slot.end,
                      .lr = lr_factors.empty() ? 1.0 : lr_factors[i],
                      .weight_decay = decays ? 1.0 : 0.0});
  }
  return ranges;
}

std::vector<StepRange> merged(const std::vector<StepRange>& ranges) {
  std::vector<StepRange> merged;
  for (const StepRange& range : ranges) {
    if (!merged.empty() && merged.back().end == range.begin && merged.back().lr == range.lr &&
        merged.back().weight_decay == range.weight_decay)
      merged.back().end = range.end;
    else
      merged.push_back(range);
  }
  return merged;
}

}  // namespace d2l
