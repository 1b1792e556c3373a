#include "launcher/planned_run.h"

#include <algorithm>
#include <cmath>

namespace d2l::launcher {

RunAmounts amounts_of(const Config& config, const Setup& setup) {
  const data::Loader& data = *setup.train_data;
  RunAmounts found{.samples = data.samples(),
                   .steps_per_epoch = data.steps_per_epoch(),
                   .batch = std::min(config.training.batch_size, data.samples()),
                   .steps = config.training.epochs * data.steps_per_epoch(),
                   .keep = config.run.keep};
  if (config.training.max_steps > 0) found.steps = std::min(found.steps, config.training.max_steps);
  if (setup.test_data) found.test_batches = setup.test_data->steps_per_epoch();
  const Position start = Position::at_start(setup.objective->metrics(), config.run.best);
  found.work = work_left(setup.options, start, found.samples, found.steps_per_epoch);
  return found;
}

PlannedRun::Step PlannedRun::step(int ranks) const {
  StepConditions there = conditions;
  there.ranks = ranks;
  Step planned{.time = step_time(measured.timeline, there)};
  planned.seconds = planned.time.seconds;
  there.speed_in_transfer = there.bandwidth_in_compute = 1;
  planned.hideable = step_time(measured.timeline, there).hidden();
  if (is_given) return planned;
  const auto at_least = [&](double seconds, Limit limit) {
    if (seconds <= planned.seconds) return;
    planned.seconds = seconds;
    planned.limit = limit;
  };
  at_least(measured.loading.seconds, Limit::loading);
  const double busy = planned.time.compute * threads + measured.loading.core_seconds;
  at_least(busy / cores, Limit::cores);
  return planned;
}

double PlannedRun::epoch(int ranks) const {
  const auto all = static_cast<double>(amounts.samples);
  const double steps = ranks == conditions.ranks
                           ? static_cast<double>(amounts.steps_per_epoch)
                           : std::ceil(all / static_cast<double>(batch(ranks)));
  return steps * step(ranks).seconds;
}

double PlannedRun::evaluation() const {
  return static_cast<double>(amounts.test_batches) * measured.evaluation;
}

double PlannedRun::all() const {
  return static_cast<double>(amounts.steps) * step(conditions.ranks).seconds +
         static_cast<double>(amounts.work.evaluations) * evaluation() +
         static_cast<double>(amounts.work.saves) * measured.snapshot;
}

int64_t PlannedRun::checkpoints() const {
  return std::min(amounts.keep, std::max<int64_t>(amounts.work.saves, 1)) +
         (amounts.test_batches > 0 ? 1 : 0);
}

}  // namespace d2l::launcher
