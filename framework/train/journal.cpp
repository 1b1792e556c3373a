#include "framework/train/journal.h"

#include "framework/base/text.h"

namespace d2l {

void Journal::step_queued(StepInFlight& step, double data_wait, double seconds) {
  times_.samples += step.batch.global_size;
  times_.data_wait += data_wait;
  times_.steps += seconds;
  window_.data_wait += data_wait;
  step.seconds = data_wait + seconds;
}

void Journal::step_completed(const StepInFlight& step, double waited, double comm_wait,
                             const Position& position) {
  times_.steps += waited;
  window_.comm_wait += comm_wait - times_.comm_wait;
  times_.comm_wait = comm_wait;
  window_.seconds += step.seconds + waited;
  window_.samples += step.batch.global_size;
  if (step.skipped) {
    clear_progress();
    log_.info("step ", step.number, ": skipped, fp16 overflowed; loss scale ", step.loss_scale);
  }
  const double loss =
      static_cast<double>(step.sums.data()[0]) / static_cast<double>(step.batch.global_size);
  losses_.push_back(loss);
  if (progress_ != nullptr) show_progress(loss, position);
  if (options_.log_every > 0 && step.number % options_.log_every == 0)
    log_window(step, loss, position);
}

void Journal::show_progress(double loss, const Position& position) {
  const WorkLeft work = work_left(options_, position, data_.samples(), data_.steps_per_epoch());
  const double rate = static_cast<double>(times_.samples) / (times_.steps + times_.data_wait);
  progress_->update({.epoch = position.epoch + 1,
                     .epochs = options_.epochs,
                     .done = work.done,
                     .examples_per_s = rate,
                     .loss = loss,
                     .data_wait_s = times_.data_wait,
                     .seconds_left = work.seconds(rate, evaluating_, saving_)});
}

void Journal::log_window(const StepInFlight& step, double loss, const Position& position) {
  const double rate = static_cast<double>(window_.samples) / window_.seconds;
  if (metrics_ != nullptr)
    metrics_->add({.step = step.number,
                   .epoch = position.epoch,
                   .samples = step.samples,
                   .loss = loss,
                   .lr = step.lr,
                   .examples_per_s = rate,
                   .data_wait_s = window_.data_wait,
                   .comm_wait_s = window_.comm_wait});
  log_.note("step ", step.number, ": loss ", rounded(loss), ", ", fixed(rate, 0),
            " examples/s, waited ", fixed(window_.data_wait, 3), " s for data, ",
            fixed(window_.comm_wait, 3), " s for other ranks");
  window_ = {};
  if (slow_ranks_) log_slowest_rank();
}

void Journal::log_slowest_rank() {
  const std::optional<SlowRanks::Found> found = slow_ranks_->compare(peers_->progress());
  if (!found) return;
  log_.note(found->note);
  if (found->warning.empty()) return;
  clear_progress();
  log_.warn(found->warning);
}

DataSummary Journal::take_data_summary() {
  const double waited = times_.data_wait - summarised_.data_wait;
  const double in_steps = times_.steps - summarised_.steps;
  summarised_ = times_;
  return {.waited = waited, .seconds = waited + in_steps};
}

void Journal::epoch_ended(const Position& position, const DataSummary& data) {
  clear_progress();
  std::string text = concat("epoch ", position.epoch, "/", options_.epochs, ": loss ",
                            rounded(position.train_loss));
  for (const Position::Known& known : position.metrics)
    text += concat(", train ", known.metric.label, " ", known.metric.text(known.train));
  if (position.evaluated_step == position.step) {
    if (position.decides_by_loss()) text += ", test loss " + rounded(position.test_loss);
    for (const Position::Known& known : position.metrics)
      text += concat(", test ", known.metric.label, " ", known.metric.text(known.test));
  }
  log_.info(text, ", ", data.text());
}

void Journal::record(const Evaluation& evaluation, const Position& position, int64_t samples) {
  if (metrics_ != nullptr)
    metrics_->add_evaluation({.step = position.step,
                              .epoch = position.epoch,
                              .samples = samples,
                              .loss = evaluation.loss,
                              .metrics = evaluation.metrics});
}

void Journal::end() { clear_progress(); }

void Journal::clear_progress() {
  if (progress_ != nullptr) progress_->clear();
}

double Journal::compute_rate() const {
  return times_.steps > 0 ? static_cast<double>(times_.samples) / times_.steps : 0;
}

double Journal::wall_rate() const {
  const double wall = wall_.seconds() - paused_;
  return wall > 0 ? static_cast<double>(times_.samples) / wall : 0;
}

}  // namespace d2l
