#include "framework/train/training_step.h"

#include <cmath>
#include <utility>

#include "framework/backend/rounded_once.h"
#include "framework/base/timer.h"
#include "framework/optim/clip.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"

namespace d2l {
namespace {

std::vector<GradientReducer::Slot> reducer_slots(const nn::ParameterSet& parameters) {
  std::vector<GradientReducer::Slot> slots;
  for (const auto& slot : parameters.slots()) slots.push_back({slot.begin, slot.end, !slot.frozen});
  return slots;
}

FeedOptions feed_options(const StepParts& parts, const StepOptions& options) {
  return {.activations = options.activations,
          .targets = parts.objective.target_type(),
          .normalisation = options.normalisation,
          .augmentation = options.augmentation,
          .seed = options.seed,
          .most_samples = parts.largest_batch};
}

}  // namespace

TrainingStep::TrainingStep(const StepParts& parts, const StepOptions& options)
    : parts_(parts),
      options_(options),
      parameters_(parts.state.parameters),
      backend_(parameters_.backend()),
      feed_(backend_, feed_options(parts, options)),
      recorder_(backend_, parts.comm, options.record, parts.log),
      sums_(backend_, Shape{static_cast<int64_t>(numbers())}),
      number_(backend_, Shape{1}, DType::i64),
      wish_(zeros(backend_, Shape{1})) {
  check(!options.augmentation.mixes_samples() || parts.objective.mixes_targets(),
        "mixup and cutmix expect an objective with classes");
  follow_freezing();
  if ((parts_.comm.size() > 1 || has_slices()) && parameters_.buffers().defined())
    buffers_before_ = parameters_.buffers().clone();
  if (!has_slices()) return;
  check(options.accumulate == 1 && !options.sync_batch_norm,
        "slices exclude gradient accumulation and synchronised batch norms");
  const int64_t slices = options.slices / parts.comm.size();
  gradients_of_slices_.emplace(parameters_.gradients(), slices);
  sums_of_slices_.emplace(sums_.rows(0, static_cast<int64_t>(numbers()) - 1), slices);
  buffers_of_slices_.emplace(parameters_.buffers(), slices);
}

TrainingStep::~TrainingStep() {
  for (const auto& slot : parameters_.slots())
    if (!slot.frozen) slot.parameter->variable.on_grad_ready({});
}

void TrainingStep::follow_freezing() {
  recorder_.forget();
  reducer_.emplace(parts_.comm, parameters_.gradients().view(), reducer_slots(parameters_),
                   GradientReducer::Options{.scatter = parts_.shards != nullptr});
  int index = -1;
  for (const auto& slot : parameters_.slots()) {
    ++index;
    if (slot.frozen) continue;
    slot.parameter->variable.on_grad_ready([this, i = index, begin = slot.begin, end = slot.end] {
      if (has_slices()) gradients_of_slices_->add(piece_, begin, end);
      if (piece_ + 1 == pieces_) reducer_->ready(i);
    });
  }
}

void TrainingStep::run(StepInFlight& step, bool completes_at_once) {
  TrainingState& state = parts_.state;
  feed_.load(step.batch);
  backend_.fill(number_.view(), static_cast<double>(step.number - 1));
  tell_wish(step.wants_stop);
  if (state.loss_scale) state.loss_scale->begin_step();
  unfinished_ = true;
  recorder_.run(key_of(step.batch), [&] { find_gradients(step.batch); });
  step.skipped = state.loss_scale && overflows(step);
  if (!step.skipped) clip();
  backend_.copy_to_host(sums_.view(), step.sums.data());
  step.event = backend_.record_event();
  if (step.skipped) {
    unfinished_ = false;  // LossScale has restored the buffers
    return;
  }
  if (completes_at_once) check_results(step);
  if (state.optimizer.step_waits())
    backend_.wait_event(step.event, [this] { parts_.comm.check_peers(); });
  unfinished_ = false;
  const TraceSpan optimizer(parts_.trace, "optimizer");
  state.optimizer.step(step.lr);
  if (const Shards* shards = parts_.shards)
    shards->gather(parameters_.values().view(), shards->buckets);
  if (state.ema) state.ema->update(step.number);
}

void TrainingStep::undo_unfinished() {
  if (std::exchange(unfinished_, false) && buffers_before_.defined())
    parameters_.buffers().copy_from(buffers_before_);
}

void TrainingStep::abandon() noexcept {
  recorder_.forget();
  parts_.comm.abandon();  // it writes gradients, which may be destroyed first
}

// Everything besides the options that determines the work of find_gradients(). The addresses depend
// only on the batch size: the feed allocates memory for the largest batch.
StepRecorder::Key TrainingStep::key_of(const Batch& batch) const {
  const auto address = [](const Tensor& tensor) {
    return static_cast<int64_t>(reinterpret_cast<intptr_t>(tensor.view().data));
  };
  StepRecorder::Key key = {address(feed_.inputs()), address(feed_.targets()), feed_.samples(),
                           batch.global_size, batch.first_in_global};
  if (feed_.weights().defined())
    key.insert(key.end(), {address(feed_.weights()), address(feed_.partner_targets())});
  return key;
}

std::vector<Piece> TrainingStep::pieces_of(const Batch& batch) const {
  if (!has_slices()) return cut(feed_.samples(), options_.accumulate);
  return slices_of(batch, options_.slices, parts_.comm.rank(), parts_.comm.size());
}

// May be recorded: everything that changes from step to step is in the backend's memory.
void TrainingStep::find_gradients(const Batch& batch) {
  reducer_->forget();  // state of an interrupted recording
  parameters_.zero_grad();
  if (buffers_before_.defined()) buffers_before_.copy_from(parameters_.buffers());
  const RoundedOnce rounded(backend_, parameters_.values().view(), options_.activations);
  const std::vector<Piece> pieces = pieces_of(batch);
  pieces_ = std::ssize(pieces);
  for (piece_ = 0; piece_ < pieces_; ++piece_) {
    const Piece& piece = pieces[static_cast<size_t>(piece_)];
    if (has_slices()) parameters_.zero_grad();
    add_gradients(batch, piece);
    if (has_slices()) end_slice(batch, piece);
  }
  if (!has_slices()) parameters_.fill_missing_gradients();
  const Timer wait;
  reducer_->finish();
  parts_.comm.wait(sums_work_);
  average_buffers(batch);
  comm_wait_ += wait.seconds();
}

// Network -> objective -> gradients of a piece. The reduction over ranks begins during the last
// piece's backward pass.
void TrainingStep::add_gradients(const Batch& batch, const Piece& piece) {
  const bool first = piece_ == 0 || has_slices(), last = piece_ + 1 == pieces_;
  nn::Context context{.training = true,
                      .rng = {options_.seed, stream_of("step")},
                      .step = number_,
                      .first_sample = batch.first_in_global + piece.begin};
  if (options_.sync_batch_norm && parts_.comm.size() > 1)
    context.sum_over_ranks = [this](Tensor& numbers) { parts_.comm.all_reduce(numbers.view()); };

  TraceSpan forward(parts_.trace, "forward");
  const Variable inputs(feed_.inputs().rows(piece.begin, piece.end));
  Objective::Result found = result_of(parts_.model(inputs, context), piece);
  add_sum(found.losses.value(), 0, first);
  for (size_t i = 0; i < found.numbers.size(); ++i) add_sum(found.numbers[i], i + 1, first);
  if (has_slices()) sums_of_slices_->add(piece_);
  forward.end();
  if (last) {
    sum_at(stop_slot()).copy_from(wish_);
    const auto end = static_cast<int64_t>(norm_slot());
    sums_work_ = parts_.comm.start_all_reduce(sums_.rows(0, end).view());
  }
  // Divided by the global batch, so that the sum over ranks is the average over samples.
  Tensor gradient =
      full(backend_, found.losses.shape(), 1.0 / static_cast<double>(batch.global_size));
  if (parts_.state.loss_scale) parts_.state.loss_scale->multiply(gradient);
  const TraceSpan backward(parts_.trace, "backward");
  found.losses.backward(gradient);
}

Objective::Result TrainingStep::result_of(const Variable& outputs, const Piece& piece) const {
  const auto rows = [&](const Tensor& all) { return all.rows(piece.begin, piece.end); };
  if (!feed_.weights().defined())
    return parts_.objective(outputs, rows(feed_.targets()), Objective::Phase::training);
  return parts_.objective.of_mixed(outputs, {.own = rows(feed_.targets()),
                                             .partners = rows(feed_.partner_targets()),
                                             .weights = rows(feed_.weights())});
}

void TrainingStep::add_sum(const Tensor& values, size_t slot, bool first) {
  Tensor to = sum_at(slot);
  if (first) return backend_.reduce(Reduction::sum, values.view(), to.view());
  to += sum(values);
}

// Every element has to be added once for each slice, whatever the backward pass reached. The next
// slice begins with the running statistics from before the step.
void TrainingStep::end_slice(const Batch& batch, const Piece& piece) {
  for (size_t i = 0; i < parameters_.slots().size(); ++i) {
    const nn::ParameterSet::Slot& slot = parameters_.slots()[i];
    if (slot.frozen || slot.parameter->variable.has_grad()) continue;
    backend_.fill(parameters_.part(parameters_.gradients(), i).view(), 0);
    gradients_of_slices_->add(piece_, slot.begin, slot.end);
  }
  if (!buffers_before_.defined()) return;
  weigh_buffers(batch, piece.end - piece.begin);
  buffers_of_slices_->add(piece_);
  if (piece_ + 1 < pieces_) parameters_.buffers().copy_from(buffers_before_);
}

Tensor TrainingStep::sum_at(size_t slot) const {
  const auto begin = static_cast<int64_t>(slot);
  return sums_.rows(begin, begin + 1);
}

// Written only when it changes.
void TrainingStep::tell_wish(bool wants_stop) {
  if (std::exchange(wants_stop_, wants_stop) != wants_stop)
    backend_.fill(wish_.view(), wants_stop ? 1 : 0);
}

// Whether the step has to be skipped.
bool TrainingStep::overflows(StepInFlight& step) {
  LossScale& scale = *parts_.state.loss_scale;
  Tensor norm = sum_at(norm_slot());
  scale.unscale(norm, parts_.shards);
  backend_.copy_to_host(sums_.view(), step.sums.data());
  backend_.wait_event(backend_.record_event(), [this] { parts_.comm.check_peers(); });
  const float* sums = step.sums.data();
  const bool finite = std::isfinite(sums[0]) && std::isfinite(sums[norm_slot()]);
  scale.end_step(finite);
  step.loss_scale = scale.scale();
  if (finite) return false;
  check(!scale.is_exhausted(), "step ", step.number, ": fp16 has overflowed in ",
        scale.skipped_in_a_row(), " steps in a row, the loss scale is ", scale.scale(),
        "; lower the learning rate (now ", step.lr, ") or use bf16");
  return true;
}

void TrainingStep::clip() {
  if (options_.clip_value > 0) clip_value(parameters_, options_.clip_value);
  if (options_.clip_norm == 0) return;
  Tensor norm = sum_at(norm_slot());
  clip_norm(parameters_, options_.clip_norm, norm, parts_.shards);
}

void TrainingStep::check_results(const StepInFlight& step) const {
  const float* sums = step.sums.data();
  check_finite(step, "loss", static_cast<double>(sums[0]));
  if (options_.clip_norm > 0)
    check_finite(step, "gradient's norm", static_cast<double>(sums[norm_slot()]));
}

void TrainingStep::check_finite(const StepInFlight& step, const char* name, double value) const {
  if (std::isfinite(value)) return;
  fail("step ", step.number, ": the ", name, " is ", value, "; lower the learning rate (now ",
       step.lr, ")", parts_.resume_hint());
}

// Turns running statistics into their changes, weighted by the part of the batch.
void TrainingStep::weigh_buffers(const Batch& batch, int64_t samples) {
  Tensor& buffers = parameters_.buffers();
  buffers -= buffers_before_;
  buffers *= static_cast<double>(samples) / static_cast<double>(batch.global_size);
}

// Averages running statistics over the samples of all ranks, so that the state is equal on every
// rank after every step. Averages the changes, so that statistics that no rank changes keep their
// bits.
void TrainingStep::average_buffers(const Batch& batch) {
  if (!buffers_before_.defined()) return;
  if (!has_slices()) weigh_buffers(batch, batch.size());
  Tensor& buffers = parameters_.buffers();
  parts_.comm.all_reduce(buffers.view());
  buffers += buffers_before_;
}

}  // namespace d2l
