#pragma once

#include "framework/optim/optimizer.h"
#include "framework/optim/schedule.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// The parts of training that the options name; of a config that validate() has passed.
std::unique_ptr<Optimizer> make_optimizer(const Config& config, nn::ParameterSet& parameters);

// Throws UsageError where the warm-up does not end before the run or milestones do not ascend.
Schedule make_schedule(const Config& config, int64_t steps_per_epoch);

}  // namespace d2l::launcher
