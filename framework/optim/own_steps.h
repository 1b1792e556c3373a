#pragma once

#include <utility>
#include <vector>

#include "framework/nn/parameter_set.h"
#include "framework/optim/step_ranges.h"
#include "framework/tensor/state.h"

namespace d2l {

// For optimizers whose averages are scaled by the number of their updates: counts the steps of each
// parameter. A parameter that was frozen has fewer than the optimizer.
class OwnSteps {
 public:
  explicit OwnSteps(const nn::ParameterSet& parameters);

  // Ranges whose parameters are in the same step of their own, from 1.
  struct Group {
    int64_t step = 0;
    std::vector<StepRange> ranges;
  };
  // Begins a step of the optimizer. `ranges`: one for each parameter that is not frozen.
  std::vector<Group> begin(const std::vector<StepRange>& ranges);

  // "optimizer/steps", and "optimizer/missed_steps/NAME" of parameters that are or were frozen.
  void visit(StateVisitor& visitor);

 private:
  const nn::ParameterSet& parameters_;
  int64_t steps_ = 0;
  std::vector<int64_t> missed_;  // of each slot
};

}  // namespace d2l
