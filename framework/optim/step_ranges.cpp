#include "framework/optim/step_ranges.h"

namespace d2l {

std::vector<StepRange> ranges_per_slot(const nn::ParameterSet& parameters, Decay decay) {
  std::vector<StepRange> ranges;
  for (const auto& slot : parameters.slots()) {
    if (slot.frozen) continue;
    const bool decays = decay == Decay::all || slot.shape.rank() > 1;
    ranges.push_back({.begin = slot.begin, .end = slot.end, .weight_decay = decays ? 1.0 : 0.0});
  }
  return ranges;
}

std::vector<StepRange> merged_ranges(const nn::ParameterSet& parameters, Decay decay) {
  std::vector<StepRange> merged;
  for (const StepRange& range : ranges_per_slot(parameters, decay)) {
    if (!merged.empty() && merged.back().end == range.begin &&
        merged.back().weight_decay == range.weight_decay)
      merged.back().end = range.end;
    else
      merged.push_back(range);
  }
  return merged;
}

}  // namespace d2l
