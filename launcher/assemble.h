#pragma once

#include <memory>

#include "data/dataset.h"
#include "framework/base/shape.h"
#include "framework/nn/module.h"
#include "framework/optim/optimizer.h"
#include "framework/optim/schedule.h"
#include "framework/train/objective.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// Makes the network that the options name, for images of the shape `input` (height, width,
// channels) or rows of `input` values. classes: 0 if it predicts numbers. Throws what
// models::build_model() throws.
std::unique_ptr<nn::Module> make_model(const ModelConfig& config, const Shape& input,
                                       int64_t classes);

// Makes the objective for the targets of these training data. Numbers also have the metric log_rmse
// if all of them are at least 1. Throws UsageError for options that do not fit the targets.
std::unique_ptr<Objective> make_objective(const Config& config, const data::DatasetInfo& data,
                                          Backend& backend);

// Makes the optimizer that the options name, see Optimizer for `shards`. `config` must have passed
// validate(). Throws UsageError of rate_factors().
std::unique_ptr<Optimizer> make_optimizer(const Config& config, nn::ParameterSet& parameters,
                                          const Shards* shards = nullptr);

// The same for the schedule. Throws UsageError if the warm-up does not end before the run or if
// milestones do not ascend.
Schedule make_schedule(const Config& config, int64_t steps_per_epoch);

}  // namespace d2l::launcher
