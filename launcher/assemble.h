#pragma once

#include "framework/optim/optimizer.h"
#include "framework/optim/schedule.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// Makes the optimizer that the options name. `config` must have passed validate(). Throws
// UsageError of rate_factors().
std::unique_ptr<Optimizer> make_optimizer(const Config& config, nn::ParameterSet& parameters);

// The same for the schedule. Throws UsageError if the warm-up does not end before the run or if
// milestones do not ascend.
Schedule make_schedule(const Config& config, int64_t steps_per_epoch);

}  // namespace d2l::launcher
