#include "framework/train/work_left.h"

#include <algorithm>

#include "framework/train/position.h"
#include "framework/train/trainer_options.h"

namespace d2l {
namespace {

// How often an action remains to be done that runs every `every` steps (0: at the end of each
// epoch), and always at the end of the run.
int64_t times_left(int64_t every, int64_t step, int64_t last_step, double epochs) {
  const auto whole = static_cast<int64_t>(epochs);
  const bool ends_with_it =
      every > 0 ? last_step % every == 0 : epochs == static_cast<double>(whole);
  return (every > 0 ? last_step / every - step / every : whole) + (ends_with_it ? 0 : 1);
}

}  // namespace

WorkLeft work_left(const TrainerOptions& options, const Position& position, int64_t samples,
                   int64_t steps) {
  int64_t left = (options.epochs - position.epoch) * steps - position.step_in_epoch;
  if (options.max_steps > 0) left = std::min(left, options.max_steps - position.step);
  if (left <= 0) return {.done = 1};
  const int64_t last_step = position.step + left;
  // since the current epoch began
  const double epochs =
      static_cast<double>(position.step_in_epoch + left) / static_cast<double>(steps);
  const auto all = static_cast<double>(samples), seen = static_cast<double>(position.epoch_samples);
  WorkLeft work;
  work.samples = std::max(0.0, epochs * all - seen);
  work.evaluations = times_left(options.eval_every, position.step, last_step, epochs);
  work.saves = times_left(options.save_every, position.step, last_step, epochs);
  const double before = static_cast<double>(position.epoch) * all + seen;
  work.done = before / (before + work.samples);
  return work;
}

}  // namespace d2l
