#include "framework/train/trainer.h"

#include <cmath>

#include "framework/base/text.h"

namespace d2l {
namespace {

constexpr size_t kMostShown = 10;  // damaged samples, on the terminal, in an epoch

TrainingState initial_state(const TrainerParts& parts, const TrainerOptions& options) {
  TrainingState state{.parameters = parts.parameters,
                      .optimizer = parts.optimizer,
                      .position = Position::at_start(parts.objective.metrics(), options.best)};
  if (options.ema > 0) state.ema.emplace(parts.parameters, options.ema);
  if (options.step.activations == DType::f16)
    state.loss_scale.emplace(parts.parameters, options.step.loss_scale);
  return state;
}

// Whether an action is due that runs every `every` steps, or at the end of each epoch if that is 0.
bool is_due(int64_t every, int64_t step, bool epoch_ends) {
  return every > 0 ? step % every == 0 : epoch_ends;
}

// Samples seen by all ranks since the first step.
int64_t samples_seen(const Position& position, const BatchSource& data) {
  return position.epoch * data.samples() + position.epoch_samples;
}

// Steps before the next one. Past epochs count with the current number of steps per epoch, so that
// a run resumed with another batch size keeps its place in the schedule.
int64_t place_in_schedule(const Position& position, const BatchSource& data) {
  return position.epoch * data.steps_per_epoch() + position.step_in_epoch;
}

// Of the next step.
double learning_rate(const Schedule& schedule, const Position& position, const BatchSource& data) {
  return schedule.at(place_in_schedule(position, data));
}

// The contribution of a step to the loss sum of its epoch. A skipped step without a finite loss
// leaves the epoch's average unchanged.
double loss_in_epoch(const StepInFlight& step, const Position& position, const BatchSource& data) {
  const auto loss = static_cast<double>(step.sums.data()[0]);
  if (std::isfinite(loss)) return loss;
  const int64_t before = step.samples - step.batch.global_size - position.epoch * data.samples();
  if (before <= 0) return 0;
  return position.epoch_loss / static_cast<double>(before) *
         static_cast<double>(step.batch.global_size);
}

}  // namespace

Trainer::Trainer(const TrainerParts& parts, TrainerOptions options)
    : parts_(parts),
      options_(std::move(options)),
      activity_(parts.peers != nullptr ? parts.peers->activity() : unwatched_),
      state_(initial_state(parts_, options_)),
      step_({.model = parts_.model,
             .objective = parts_.objective,
             .state = state_,
             .comm = parts_.comm,
             .log = parts_.log,
             .shards = parts_.shards,
             .largest_batch = parts_.train_data.largest_part(),
             .trace = parts_.trace,
             .resume_hint = [this] { return saver_.resume_hint(); }},
            options_.step),
      journal_(parts_.log, parts_.progress, options_, parts_.train_data),
      in_flight_(parts_.parameters.backend()) {
  activity_.restart(parts.first_rank);
  const bool knows_all = parts.peers != nullptr && parts.first_rank == 0 && parts.comm.rank() == 0;
  if (knows_all && parts.comm.size() > 1) journal_.compare_ranks(*parts.peers);
}

void Trainer::set_files(CheckpointStore* store, MetricsFile* metrics) {
  saver_.use(store);
  journal_.use(metrics);
}

bool Trainer::finished() const {
  return state_.position.epoch >= options_.epochs ||
         (options_.max_steps > 0 && state_.position.step >= options_.max_steps) || ended_early();
}

bool Trainer::ended_early() const {
  return options_.patience > 0 && state_.position.best.evaluations_since >= options_.patience;
}

std::string Trainer::reason_for_early_end() const {
  const Position::Best& best = state_.position.best;
  const int64_t count = best.evaluations_since;
  return concat("the last ", count == 1 ? "evaluation has" : concat(count, " evaluations have"),
                " not improved the test ", best.metric.label, " (--patience ", options_.patience,
                ")");
}

TrainerReport Trainer::run() {
  try {
    return train();
  } catch (const PeerLost& loss) {
    leave_state(loss);
  }
}

TrainerReport Trainer::train() {
  Position& position = state_.position;
  TrainerReport report;
  const bool has_tests = parts_.test_data != nullptr;
  std::optional<Evaluation> last;
  journal_.begin();
  // The run may have been interrupted before it.
  if (epoch_ends() || evaluation_is_due()) finish_step(last);
  parts_.train_data.seek(position.epoch, position.step_in_epoch);
  while (!finished() && !stops_) {
    take_step();
    finish_step(last);
  }
  activity_.begin(Doing::ending);
  report.compute_rate = journal_.compute_rate(), report.wall_rate = journal_.wall_rate();
  if (stops_ && !finished())
    report.stopped =
        stop_reason_.empty() ? "another rank was asked to stop" : std::move(stop_reason_);
  else if (has_tests && !last)
    last = evaluate(Purpose::final_report);
  report.step = position.step;
  report.deciding = position.best.metric;
  report.saved = saver_.wait();
  journal_.end();
  report_data();
  report.data = data_;
  report.loss = position.loss_so_far();
  report.train = position.metrics_so_far();
  if (last) report.test = last->metrics, report.test_loss = last->loss;
  if (position.evaluated_step >= 0) report.best = position.best;
  report.losses = journal_.losses();
  return report;
}

bool Trainer::epoch_ends() const {
  return state_.position.step_in_epoch == parts_.train_data.steps_per_epoch();
}

bool Trainer::evaluation_is_due() const {
  const Position& position = state_.position;
  return parts_.test_data != nullptr && position.step > 0 &&
         position.evaluated_step != position.step &&
         is_due(options_.eval_every, position.step, epoch_ends());
}

void Trainer::finish_step(std::optional<Evaluation>& last) {
  const Timer pause;
  const bool ends_epoch = epoch_ends();
  bool best = false;
  if (!stops_) {
    best = evaluation_is_due() && evaluate_and_compare();
    if (ends_epoch) end_epoch();
  }
  const int64_t step = state_.position.step;
  // Evaluate before the last save: only a sound state may be saved.
  if (ended_early())
    parts_.log.info("training ends early, after step ", step, ": ", reason_for_early_end());
  if (parts_.test_data != nullptr && finished()) last = evaluate(Purpose::final_report);
  if (best || is_due(options_.save_every, step, ends_epoch) || finished() || stops_) save(best);
  journal_.paused(pause.seconds());
}

// The parameters are those of the last finished step: the exception came while this rank waited for
// another one, before the optimizer.
void Trainer::leave_state(const PeerLost& loss) {
  const int64_t step = state_.position.step;
  std::string text = concat(loss.what(), ", after step ", with_thousands(step));
  if (parts_.shards) {
    text +=
        "; the lost rank's part of the optimizer's state (--shard-optimizer) is gone, so the "
        "last checkpoint is the newest state";
    saver_.confirm();
    saver_.wait();
  } else if (in_flight_.completes_at_once() && parts_.leave_state && step > 0) {
    step_.undo_unfinished();
    Snapshot snapshot = take_snapshot([this](StateVisitor& visitor) { state_.visit(visitor); });
    snapshot.texts = options_.texts;
    saver_.wait_for(step);  // that file cannot be written twice at the same time
    if (first_not_finite(snapshot).empty()) text += "; " + parts_.leave_state(step, snapshot);
    saver_.confirm();
    saver_.wait();
  }
  throw PeerLost(text);
}

void Trainer::repeat_until(const Snapshot& state) {
  const Position& position = state_.position;
  const int64_t step = state.integers.at("progress/step");
  // What the run has done after a step.
  const auto finish = [&](bool evaluates, bool ends_epoch) {
    if (evaluates && evaluation_is_due()) evaluate_and_compare();
    if (ends_epoch && epoch_ends()) end_epoch();
  };
  finish(true, true);
  parts_.train_data.seek(position.epoch, position.step_in_epoch);
  while (position.step < step) {
    take_step();
    if (position.step < step)
      finish(true, true);
    else  // it may have been interrupted there
      finish(state.integers.at("progress/evaluated_step") == step,
             state.integers.at("progress/step_in_epoch") == 0);
  }
  complete_steps(Which::all);
}

void Trainer::advance(int64_t steps) {
  for (int64_t i = 0; i < steps; ++i) {
    take_step();
    if (epoch_ends()) end_epoch();
  }
  complete_steps(Which::all);
}

void Trainer::unfreeze_if_due() {
  nn::ParameterSet& parameters = parts_.parameters;
  const int64_t place = place_in_schedule(state_.position, parts_.train_data);
  if (options_.unfreeze_after == 0 || place < options_.unfreeze_after) return;
  const int64_t frozen = parameters.frozen_count();
  if (frozen == 0) return;
  complete_steps(Which::all);
  parameters.unfreeze();
  parts_.optimizer.follow_freezing();
  step_.follow_freezing();
  parts_.log.info("after step ", state_.position.step, ": trains the ", with_thousands(frozen),
                  " parameters that were frozen, too");
}

void Trainer::take_step() {
  unfreeze_if_due();
  Position& position = state_.position;
  const TraceSpan whole(parts_.trace, "step", Trace::Lane::training, position.step + 1);
  activity_.begin_step(position.step + 1);
  activity_.begin(Doing::loading);
  Timer timer;
  Batch batch;
  try {
    const TraceSpan waiting(parts_.trace, "data wait");
    batch = parts_.train_data.next();
  } catch (...) {
    saver_.confirm();  // unreadable data do not make the state unsound
    throw;
  }
  StepInFlight& step =
      in_flight_.add(std::move(batch), step_.numbers(), parts_.parameters.backend().staging());
  const double data_wait = timer.seconds();
  timer.restart();
  activity_.begin(Doing::computing);
  const double waited_before = activity_.waited();
  step.number = position.step + 1;
  step.lr = learning_rate(options_.schedule, position, parts_.train_data);
  if (parts_.stop_reason && stop_reason_.empty()) stop_reason_ = parts_.stop_reason();
  step.wants_stop = !stop_reason_.empty();
  try {
    step_.run(step, in_flight_.completes_at_once());
  } catch (...) {
    step_.abandon();
    throw;
  }
  position.step += 1;
  position.step_in_epoch += 1;
  position.epoch_samples += step.batch.global_size;
  step.samples = samples_seen(position, parts_.train_data);
  const double seconds = timer.seconds();
  const double own = seconds - (activity_.waited() - waited_before);
  journal_.step_queued(step, data_wait, seconds);
  complete_steps(Which::oldest);
  activity_.end_step(own, data_wait, data_wait + timer.seconds());
}

// A GPU may wait for other ranks, as a rank that waits for its GPU then does.
void Trainer::await_oldest() {
  const bool may_wait = !in_flight_.completes_at_once();
  if (may_wait) activity_.begin_wait();
  try {
    in_flight_.await_oldest([this] { parts_.comm.check_peers(); });
  } catch (...) {
    step_.abandon();
    throw;
  }
  if (may_wait) activity_.end_wait();
}

void Trainer::complete_steps(Which which) {
  Position& position = state_.position;
  while (which == Which::all ? !in_flight_.empty() : in_flight_.is_full()) {
    const Timer timer;
    await_oldest();
    const StepInFlight& step = in_flight_.oldest();
    const double waited = timer.seconds();
    if (!step.skipped) {
      step_.check_results(step);
      const Activity::During saving(activity_, Doing::saving);
      journal_.stored(saver_.confirm_before(step.number));
    }
    position.epoch_loss += loss_in_epoch(step, position, parts_.train_data);
    for (size_t i = 0; i < position.metrics.size(); ++i)
      position.metrics[i].sum += static_cast<double>(step.sums.data()[i + 1]);
    {
      const Activity::During recording(activity_, Doing::recording);
      journal_.step_completed(step, waited, step_.comm_wait(), position);
    }
    stops_ = stops_ || step_.stop_is_wanted(step);
    in_flight_.drop_oldest();
  }
}

void Trainer::end_epoch() {
  complete_steps(Which::all);
  state_.position.end_epoch();
  journal_.epoch_ended(state_.position, report_data());
}

DataSummary Trainer::report_data() {
  DataSummary mine = journal_.take_data_summary();
  for (BatchSource* source : {&parts_.train_data, parts_.test_data})
    if (source != nullptr) mine.add({.replaced = source->take_replaced()});
  DataSummary found = of_all_ranks(mine, parts_.comm);
  size_t named = 0;
  for (const std::string& problem : found.replaced.problems) {
    // Another rank may have named it in an earlier epoch. A long list is only for the log file.
    if (parts_.comm.rank() != 0 || !named_.insert(problem).second) continue;
    const std::string text = concat("another sample replaces a damaged one: ", problem);
    if (named++ < kMostShown)
      parts_.log.warn(text);
    else
      parts_.log.note(text);
  }
  if (named > kMostShown)
    parts_.log.warn("log.txt names ", named - kMostShown, " more damaged samples");
  found.replaced.problems.clear();
  data_.add(found);
  return found;
}

Evaluation Trainer::evaluate(Purpose purpose) {
  const Position& position = state_.position;
  if (purpose == Purpose::final_report && position.evaluated_step == position.step)
    return {.loss = position.test_loss, .metrics = position.test_metrics()};
  complete_steps(Which::all);
  const Activity::During evaluating(activity_, Doing::evaluating);
  const TraceSpan span(parts_.trace, "evaluation", Trace::Lane::training, position.step);
  const Timer timer;
  const PoolPart memory = step_.shared_memory();
  std::optional<Ema::InUse> averages;
  if (state_.ema) averages.emplace(*state_.ema);
  Evaluation found = d2l::evaluate({.model = parts_.model,
                                    .objective = parts_.objective,
                                    .data = *parts_.test_data,
                                    .backend = parts_.parameters.backend(),
                                    .comm = parts_.comm,
                                    .activations = options_.step.activations,
                                    .normalisation = options_.step.normalisation,
                                    .pieces = options_.step.accumulate,
                                    .slices = options_.step.slices});
  if (averages) averages->end();
  journal_.evaluated(timer.seconds());
  if (!std::isfinite(found.loss))
    fail("step ", position.step, ": the test loss is ", found.loss,
         ": the run has diverged; lower the learning rate (now ",
         learning_rate(options_.schedule, position, parts_.train_data), ")", saver_.resume_hint());
  if (purpose == Purpose::record)
    journal_.record(found, position, samples_seen(position, parts_.train_data));
  return found;
}

bool Trainer::evaluate_and_compare() {
  const Evaluation found = evaluate(Purpose::record);
  return state_.position.improves(found.loss, found.metrics);
}

void Trainer::save(bool best) {
  complete_steps(Which::all);
  const Activity::During saving(activity_, Doing::saving);
  const TraceSpan span(parts_.trace, "snapshot", Trace::Lane::training, state_.position.step);
  const Timer timer;
  std::optional<Snapshot> snapshot = state_.snapshot(parts_.comm);
  if (!snapshot || !saver_.has_store()) return;
  const int64_t step = state_.position.step;
  const std::string damaged = first_not_finite(*snapshot);
  if (!damaged.empty())
    fail("step ", step, ": ", damaged, " has elements that are not finite: the run has diverged",
         saver_.resume_hint());
  snapshot->texts = options_.texts;
  saver_.hold(std::move(*snapshot), step, best);
  journal_.took_snapshot(timer.seconds());
  const bool evaluated = state_.position.evaluated_step == step && !state_.ema;
  if (evaluated || finished() || stops_) journal_.stored(saver_.confirm());
}

}  // namespace d2l
