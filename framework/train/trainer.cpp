#include "framework/train/trainer.h"

#include <algorithm>
#include <cmath>

#include "framework/autograd/softmax.h"
#include "framework/backend/rounded_once.h"
#include "framework/base/text.h"
#include "framework/optim/clip.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"
#include "framework/train/evaluate.h"
#include "framework/train/state_limits.h"

namespace d2l {
namespace {

// Those that have gradients.
std::vector<GradientReducer::Slot> reducer_slots(const nn::ParameterSet& parameters) {
  std::vector<GradientReducer::Slot> slots;
  for (const auto& slot : parameters.slots())
    if (!slot.frozen) slots.push_back({slot.begin, slot.end});
  return slots;
}

}  // namespace

void Position::visit(StateVisitor& visitor) {
  visitor.integer("progress/step", step);
  visitor.integer("progress/epoch", epoch);
  visitor.integer("progress/step_in_epoch", step_in_epoch);
  visitor.integer("progress/epoch_samples", epoch_samples);
  visitor.real("progress/epoch_loss", epoch_loss);
  visitor.real("progress/epoch_correct", epoch_correct);
  visitor.real("progress/train_loss", train_loss);
  visitor.real("progress/train_accuracy", train_accuracy);
  visitor.integer("progress/evaluated_step", evaluated_step);
  visitor.real("progress/test_accuracy", test_accuracy);
  visitor.real("progress/best_accuracy", best_accuracy);
}

Trainer::Trainer(TrainerParts parts, TrainerOptions options)
    : parts_(parts),
      options_(std::move(options)),
      reducer_(parts.comm, parts.parameters.gradients().view(), reducer_slots(parts.parameters)),
      feed_(parts.parameters.backend(), {.activations = options_.activations,
                                         .normalisation = options_.normalisation,
                                         .augmentation = {.crop_padding = options_.crop_padding,
                                                          .flip = options_.flip,
                                                          .seed = options_.seed},
                                         .most_samples = parts.train_data.largest_part()}),
      sums_(parts.parameters.backend(), Shape{3}),
      step_(parts.parameters.backend(), Shape{1}, DType::i64),
      recorder_(parts.parameters.backend(), parts.comm, options_.record, parts.log),
      flights_ahead_(parts.parameters.backend().device().kind == DeviceKind::cpu ? 0 : 1) {
  int number = 0;
  for (const auto& slot : parts_.parameters.slots()) {
    if (slot.frozen) continue;
    slot.parameter->variable.on_grad_ready([this, i = number++] {
      if (gradients_final_) reducer_.ready(i);
    });
  }
  if (parts_.comm.size() > 1 && parts_.parameters.buffers().defined())
    buffers_before_ = parts_.parameters.buffers().clone();
  if (options_.ema > 0) ema_.emplace(parts_.parameters, options_.ema);
  if (options_.activations == DType::f16)
    loss_scale_.emplace(parts_.parameters, options_.loss_scale);
}

void Trainer::visit(StateVisitor& visitor) {
  visit_all_but_scale(visitor);
  if (loss_scale_) loss_scale_->visit(visitor);
}

void Trainer::visit_all_but_scale(StateVisitor& visitor) {
  position_.visit(visitor);
  parts_.parameters.visit(visitor);
  parts_.optimizer.visit(visitor);
  if (ema_) ema_->visit(visitor);
}

void Trainer::restore(const Snapshot& snapshot, const std::string& origin) {
  check_state_limits(snapshot, origin, parts_.train_data);
  LossScaleState not_needed;  // the run may go on in another precision
  const bool is_scaled = LossScaleState::is_in(snapshot);
  restore_snapshot(snapshot, origin, [&](StateVisitor& visitor) {
    visit_all_but_scale(visitor);
    if (is_scaled && loss_scale_) loss_scale_->visit(visitor);
    if (is_scaled && !loss_scale_) not_needed.visit(visitor);
  });
}

uint64_t Trainer::state_checksum() {
  return d2l::state_checksum([this](StateVisitor& visitor) { visit(visitor); });
}

int64_t Trainer::samples_seen() const {
  return position_.epoch * parts_.train_data.samples() + position_.epoch_samples;
}

bool Trainer::finished() const {
  return position_.epoch >= options_.epochs ||
         (options_.max_steps > 0 && position_.step >= options_.max_steps);
}

// Whether something that is done every so many steps, or at the end of epochs, is due now.
bool Trainer::is_due(int64_t every, bool epoch_ends) const {
  return every > 0 ? position_.step % every == 0 : epoch_ends;
}

TrainerReport Trainer::run() {
  parts_.train_data.seek(position_.epoch, position_.step_in_epoch);
  wall_.restart();
  while (!finished()) {
    const bool epoch_ends = next_step();
    Timer pause;
    bool best = is_due(options_.eval_every, epoch_ends) && improves(evaluate(true));
    if (epoch_ends) end_epoch();
    // Before the last save, which is to be of a sound state.
    if (finished()) report_.test_accuracy = last_accuracy();
    if (best || is_due(options_.save_every, epoch_ends) || finished()) save(best);
    paused_ += pause.seconds();
  }
  double wall = wall_.seconds() - paused_;
  if (report_.losses.empty()) report_.test_accuracy = last_accuracy();
  if (parts_.store) report_.saved = parts_.store->wait();
  if (parts_.progress) parts_.progress->clear();
  bool partial = position_.epoch_samples > 0;
  auto seen = static_cast<double>(position_.epoch_samples);
  report_.loss = partial ? position_.epoch_loss / seen : position_.train_loss;
  report_.train_accuracy = partial ? position_.epoch_correct / seen : position_.train_accuracy;
  report_.compute_rate = step_seconds_ > 0 ? static_cast<double>(samples_here_) / step_seconds_ : 0;
  report_.wall_rate = wall > 0 ? static_cast<double>(samples_here_) / wall : 0;
  return report_;
}

// An evaluation that was not due is no part of the state: it would not be in a run that went on.
double Trainer::last_accuracy() {
  return position_.evaluated_step == position_.step ? position_.test_accuracy : evaluate(false);
}

void Trainer::advance(int64_t steps) {
  for (int64_t i = 0; i < steps; ++i)
    if (next_step()) end_epoch();
  land_all();
}

TrainerTimes Trainer::times() const {
  return {.samples = samples_here_,
          .steps = step_seconds_,
          .comm_wait = comm_wait_,
          .data_wait = data_wait_};
}

bool Trainer::next_step() {
  Timer timer;
  Flight& flight = flights_.emplace_back(next_batch(), parts_.parameters.backend().staging());
  const double waited = timer.seconds();
  timer.restart();
  try {
    step(flight);
  } catch (...) {
    abandon();
    throw;
  }
  position_.step += 1;
  position_.step_in_epoch += 1;
  position_.epoch_samples += flight.batch.global_size;
  flight.samples = samples_seen();
  samples_here_ += flight.batch.global_size;
  const double computed = timer.seconds();

  data_wait_ += waited;
  log_data_wait_ += waited;
  step_seconds_ += computed;
  flight.seconds = waited + computed;
  while (flights_.size() > flights_ahead_) land();
  return position_.step_in_epoch == parts_.train_data.steps_per_epoch();
}

// Data that cannot be read say nothing against the state before.
Batch Trainer::next_batch() {
  try {
    return parts_.train_data.next();
  } catch (...) {
    store_pending();
    throw;
  }
}

void Trainer::land() {
  Flight& flight = flights_.front();
  const Timer timer;
  try {
    await(flight.mark);
  } catch (...) {
    abandon();
    throw;
  }
  const double waited = timer.seconds();
  step_seconds_ += waited;
  log_seconds_ += flight.seconds + waited;
  if (!flight.skipped) check_results(flight);
  if (!flight.skipped && pending_ && flight.step > pending_->step) store_pending();
  const double loss = static_cast<double>(flight.sums.data()[0]);
  position_.epoch_loss += loss_in_epoch(flight, loss);
  position_.epoch_correct += static_cast<double>(flight.sums.data()[1]);
  log_samples_ += flight.batch.global_size;
  report_.losses.push_back(loss / static_cast<double>(flight.batch.global_size));
  log_step(flight, report_.losses.back());
  flights_.pop_front();
}

// A skipped step without a loss changes nothing about the epoch's average.
double Trainer::loss_in_epoch(const Flight& flight, double loss) const {
  if (std::isfinite(loss)) return loss;
  const int64_t before =
      flight.samples - flight.batch.global_size - position_.epoch * parts_.train_data.samples();
  if (before <= 0) return 0;
  return position_.epoch_loss / static_cast<double>(before) *
         static_cast<double>(flight.batch.global_size);
}

void Trainer::land_all() {
  while (!flights_.empty()) land();
}

void Trainer::await(uint64_t mark) {
  parts_.parameters.backend().wait_for(mark, [this] { parts_.comm.poll(); });
}

void Trainer::abandon() noexcept {
  recorder_.forget();
  parts_.comm.abandon();  // the gradients, which it writes, may go before it does
}

// Steps of the length that they have now: a run that was resumed with another batch size finds its
// epoch's place in the schedule.
double Trainer::learning_rate() const {
  return options_.schedule.at(position_.epoch * parts_.train_data.steps_per_epoch() +
                              position_.step_in_epoch);
}

// One step on this rank's part of a global batch. On a GPU it is queued: the loss is not known yet
// when the weights move, so a run whose loss is no number ends a step later, before anything is
// saved.
void Trainer::step(Flight& flight) {
  Backend& backend = parts_.parameters.backend();
  flight.step = position_.step + 1;
  flight.lr = learning_rate();
  feed_.load(flight.batch);
  backend.fill(step_.view(), static_cast<double>(position_.step));
  if (loss_scale_) loss_scale_->begin_step();
  recorder_.run(key_of(flight.batch), [&] { find_gradients(flight.batch); });
  flight.skipped = loss_scale_ && overflows(flight);
  if (!flight.skipped) clip();
  backend.copy_to_host(sums_.view(), flight.sums.data());
  flight.mark = backend.mark();
  if (flight.skipped) return;
  if (flights_ahead_ == 0) check_results(flight);
  if (parts_.optimizer.step_waits()) await(flight.mark);
  parts_.optimizer.step(flight.lr);
  if (ema_) ema_->update(flight.step);
}

// What decides the work of find_gradients(), besides the options. The addresses belong to the size:
// the feed's memory is made for the largest batch.
StepRecorder::Key Trainer::key_of(const Batch& batch) const {
  const auto address = [](const Tensor& tensor) {
    return static_cast<int64_t>(reinterpret_cast<intptr_t>(tensor.view().data));
  };
  return {address(feed_.inputs()), address(feed_.labels()), feed_.samples(), batch.global_size,
          batch.first_in_global};
}

// What may be recorded: whatever changes from step to step lies in the backend's memory.
void Trainer::find_gradients(const Batch& batch) {
  reducer_.forget();  // a recording that was broken off
  parts_.parameters.zero_grad();
  if (buffers_before_.defined()) buffers_before_.copy_from(parts_.parameters.buffers());
  const RoundedOnce rounded(sums_.backend(), parts_.parameters.values().view(),
                            options_.activations);
  for (const Piece& piece : cut(feed_.samples(), options_.accumulate)) add_gradients(batch, piece);
  parts_.parameters.fill_missing_gradients();
  Timer wait;
  reducer_.finish();
  parts_.comm.wait(sums_work_);
  average_buffers(batch);
  const double waited = wait.seconds();
  comm_wait_ += waited;
  log_comm_wait_ += waited;
}

// Data -> model -> loss -> gradients. The reduction over ranks begins during the last piece's.
void Trainer::add_gradients(const Batch& batch, const Piece& piece) {
  Backend& backend = parts_.parameters.backend();
  const bool first = piece.begin == 0, last = piece.end == feed_.samples();
  const Tensor inputs = feed_.inputs().rows(piece.begin, piece.end);
  const Tensor labels = feed_.labels().rows(piece.begin, piece.end);
  nn::Context context{.training = true,
                      .rng = {options_.seed, stream_of("step")},
                      .step = step_,
                      .first_sample = batch.first_in_global + piece.begin};
  if (options_.sync_batch_norm && parts_.comm.size() > 1)
    context.sum_over_ranks = [this](Tensor& numbers) { parts_.comm.all_reduce(numbers.view()); };

  Variable logits = parts_.model(Variable(inputs), context);
  CrossEntropy loss = cross_entropy(logits, labels, options_.label_smoothing);
  add_sum(loss.losses.value(), 0, first);
  add_sum(loss.correct, 1, first);
  if (last) sums_work_ = parts_.comm.start_all_reduce(sums_.rows(0, 2).view());
  gradients_final_ = last;
  // Divided by the global batch, so that the sum over ranks is the average over samples.
  Tensor gradient =
      full(backend, loss.losses.shape(), 1.0 / static_cast<double>(batch.global_size));
  if (loss_scale_) loss_scale_->multiply(gradient);
  loss.losses.backward(gradient);
}

void Trainer::add_sum(const Tensor& values, int64_t slot, bool first) {
  Tensor to = sums_.rows(slot, slot + 1);
  if (first) return to.backend().reduce(Reduction::sum, values.view(), to.view());
  to += sum(values);
}

bool Trainer::overflows(const Flight& flight) {
  Backend& backend = sums_.backend();
  Tensor norm = sums_.rows(2, 3);
  loss_scale_->unscale(norm);
  backend.copy_to_host(sums_.view(), flight.sums.data());
  await(backend.mark());
  const float* sums = flight.sums.data();
  const bool finite = std::isfinite(sums[0]) && std::isfinite(sums[2]);
  loss_scale_->settle(finite);
  if (finite) return false;
  check(!loss_scale_->is_exhausted(), "step ", flight.step, ": f16 has overflowed in ",
        loss_scale_->skipped_in_a_row(), " steps in a row, the loss scale is ",
        loss_scale_->scale(), "; lower the learning rate (now ", flight.lr, ") or use bf16");
  if (parts_.progress) parts_.progress->clear();
  parts_.log.info("step ", flight.step, ": skipped, f16 overflowed; loss scale ",
                  loss_scale_->scale());
  return true;
}

void Trainer::clip() {
  if (options_.clip_value > 0) clip_value(parts_.parameters, options_.clip_value);
  if (options_.clip_norm == 0) return;
  Tensor norm = sums_.rows(2, 3);
  clip_norm(parts_.parameters, options_.clip_norm, norm);
}

void Trainer::check_results(const Flight& flight) const {
  const float* sums = flight.sums.data();
  check_finite(flight, "loss", static_cast<double>(sums[0]));
  if (options_.clip_norm > 0) check_finite(flight, "gradient's norm", static_cast<double>(sums[2]));
}

void Trainer::check_finite(const Flight& flight, const char* name, double value) const {
  if (std::isfinite(value)) return;
  fail("step ", flight.step, ": the ", name, " is ", value, "; lower the learning rate (now ",
       flight.lr, ")", way_back());
}

// Running statistics become the average over the samples of all ranks, so that the state is the
// same on every rank after every step. What is averaged are the changes: statistics that no rank
// changes keep their bits.
void Trainer::average_buffers(const Batch& batch) {
  if (!buffers_before_.defined()) return;
  Tensor& buffers = parts_.parameters.buffers();
  buffers -= buffers_before_;
  buffers *= static_cast<double>(batch.labels.elements()) / static_cast<double>(batch.global_size);
  parts_.comm.all_reduce(buffers.view());
  buffers += buffers_before_;
}

void Trainer::end_epoch() {
  land_all();
  auto samples = static_cast<double>(position_.epoch_samples);
  position_.train_loss = position_.epoch_loss / samples;
  position_.train_accuracy = position_.epoch_correct / samples;
  position_.epoch += 1;
  position_.step_in_epoch = 0;
  position_.epoch_samples = 0;
  position_.epoch_loss = 0;
  position_.epoch_correct = 0;
  if (parts_.progress) parts_.progress->clear();
  bool evaluated = position_.evaluated_step == position_.step;
  parts_.log.info("epoch ", position_.epoch, "/", options_.epochs, ": loss ",
                  fixed(position_.train_loss, 3), ", train acc ",
                  fixed(position_.train_accuracy, 3),
                  evaluated ? ", test acc " + fixed(position_.test_accuracy, 3) : "");
}

// The accuracy on the test data, with the averaged weights if there are any; one that was due is a
// row of the metrics.
double Trainer::evaluate(bool due) {
  land_all();
  const Timer timer;
  const PoolPart memory = recorder_.shared_memory();
  std::optional<Ema::InUse> averages;
  if (ema_) averages.emplace(*ema_);
  const Evaluation found = d2l::evaluate({.model = parts_.model,
                                          .data = parts_.test_data,
                                          .backend = parts_.parameters.backend(),
                                          .comm = parts_.comm,
                                          .activations = options_.activations,
                                          .normalisation = options_.normalisation,
                                          .pieces = options_.accumulate});
  if (averages) averages->end();
  evaluating_.add(timer.seconds());
  if (!std::isfinite(found.loss))
    fail("step ", position_.step, ": the test loss is ", found.loss,
         ": the run has diverged; lower the learning rate (now ", learning_rate(), ")", way_back());
  if (parts_.metrics && due)
    parts_.metrics->add_evaluation({.step = position_.step,
                                    .epoch = position_.epoch,
                                    .samples = samples_seen(),
                                    .test_loss = found.loss,
                                    .test_accuracy = found.accuracy});
  return found.accuracy;
}

// Takes note of an evaluation; whether it is the best so far.
bool Trainer::improves(double accuracy) {
  position_.evaluated_step = position_.step;
  position_.test_accuracy = accuracy;
  if (accuracy <= position_.best_accuracy) return false;
  position_.best_accuracy = accuracy;
  return true;
}

void Trainer::save(bool best) {
  land_all();
  if (!parts_.store) return;
  const Timer timer;
  Snapshot snapshot = take_snapshot([this](StateVisitor& visitor) { visit(visitor); });
  const std::string damaged = first_not_finite(snapshot);
  if (!damaged.empty())
    fail("step ", position_.step, ": ", damaged,
         " has elements that are not finite: the run has diverged", way_back());
  snapshot.texts = options_.texts;
  pending_ = {std::move(snapshot), position_.step, best};
  saving_.add(timer.seconds());
  const bool evaluated = position_.evaluated_step == position_.step && !ema_;
  if (evaluated || finished()) store_pending();
}

void Trainer::store_pending() {
  if (!pending_) return;
  const Timer timer;
  parts_.store->save(pending_->step, std::move(pending_->snapshot), pending_->best);
  pending_.reset();
  saving_.seconds += timer.seconds();
}

// For messages about a run that cannot go on as it is; rank 0's. Waits for the save under way.
std::string Trainer::way_back() const {
  if (!parts_.store) return "";
  parts_.store->wait();
  const std::vector<int64_t> steps = CheckpointStore::steps(parts_.store->folder());
  if (steps.empty()) return "; no checkpoint was saved before";
  const std::string run = parts_.store->folder().parent_path().string();
  return concat("; go on after step ", steps.back(), ", the last good checkpoint, with --resume ",
                run, " and other options, or after an earlier one with --from STEP too");
}

void Trainer::log_step(const Flight& flight, double loss) {
  if (parts_.progress) {
    const WorkLeft work = work_left(options_, position_, parts_.train_data.samples(),
                                    parts_.train_data.steps_per_epoch());
    const double rate = static_cast<double>(samples_here_) / (step_seconds_ + data_wait_);
    parts_.progress->update({.epoch = position_.epoch + 1,
                             .epochs = options_.epochs,
                             .done = work.done,
                             .examples_per_s = rate,
                             .loss = loss,
                             .data_wait_s = data_wait_,
                             .seconds_left = work.seconds(rate, evaluating_, saving_)});
  }
  if (options_.log_every == 0 || flight.step % options_.log_every != 0) return;
  double rate = static_cast<double>(log_samples_) / log_seconds_;
  if (parts_.metrics)
    parts_.metrics->add({.step = flight.step,
                         .epoch = position_.epoch,
                         .samples = flight.samples,
                         .loss = loss,
                         .lr = flight.lr,
                         .examples_per_s = rate,
                         .data_wait_s = log_data_wait_,
                         .comm_wait_s = log_comm_wait_});
  parts_.log.note("step ", flight.step, ": loss ", fixed(loss, 4), ", ", fixed(rate, 0),
                  " examples/s, waited ", fixed(log_data_wait_, 3), " s for data, ",
                  fixed(log_comm_wait_, 3), " s for other ranks");
  log_samples_ = 0;
  log_seconds_ = log_data_wait_ = log_comm_wait_ = 0;
}

}  // namespace d2l
