#include "framework/train/trainer.h"

#include <algorithm>
#include <cmath>

#include "framework/autograd/softmax.h"
#include "framework/base/text.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"

namespace d2l {
namespace {

std::vector<GradientReducer::Slot> reducer_slots(const nn::ParameterSet& parameters) {
  std::vector<GradientReducer::Slot> slots;
  for (const auto& slot : parameters.slots()) slots.push_back({slot.begin, slot.end});
  return slots;
}

double total(const Tensor& values) {
  return values.elements() > 0 ? sum(values).item<double>() : 0;
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
      reducer_(parts.comm, parts.parameters.gradients().view(), reducer_slots(parts.parameters)) {
  const auto& slots = parts_.parameters.slots();
  for (size_t i = 0; i < slots.size(); ++i)
    slots[i].parameter->variable.on_grad_ready([this, i] { reducer_.ready(static_cast<int>(i)); });
}

void Trainer::visit(StateVisitor& visitor) {
  position_.visit(visitor);
  parts_.parameters.visit(visitor);
  parts_.optimizer.visit(visitor);
}

void Trainer::restore(const Snapshot& snapshot, const std::string& origin) {
  restore_snapshot(snapshot, origin, [this](StateVisitor& visitor) { visit(visitor); });
  const int64_t steps = parts_.train_data.steps_per_epoch();
  check(position_.step_in_epoch < steps, origin, ": step ", position_.step_in_epoch,
        " of its epoch expected, epochs have only ", steps, " steps: other data or --batch-size");
}

int64_t Trainer::samples_seen() const {
  return position_.epoch * parts_.train_data.samples() + position_.epoch_samples;
}

double Trainer::seconds_left() const {
  int64_t steps = options_.epochs * parts_.train_data.steps_per_epoch();
  if (options_.max_steps > 0) steps = std::min(steps, options_.max_steps);
  auto done = static_cast<double>(report_.losses.size());
  return static_cast<double>(steps - position_.step) * (step_seconds_ + data_wait_) / done;
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
    Timer timer;
    Batch batch = parts_.train_data.next();
    double waited = timer.seconds();
    timer.restart();
    Sums sums = step(batch);
    double computed = timer.seconds();

    position_.step += 1;
    position_.step_in_epoch += 1;
    position_.epoch_samples += batch.global_size;
    position_.epoch_loss += sums.loss;
    position_.epoch_correct += sums.correct;
    samples_here_ += batch.global_size;
    log_samples_ += batch.global_size;
    data_wait_ += waited;
    log_data_wait_ += waited;
    step_seconds_ += computed;
    log_seconds_ += waited + computed;
    double loss = sums.loss / static_cast<double>(batch.global_size);
    report_.losses.push_back(loss);
    log_step(loss);

    bool epoch_ends = position_.step_in_epoch == parts_.train_data.steps_per_epoch();
    Timer pause;
    bool best = is_due(options_.eval_every, epoch_ends) && improves(evaluate());
    if (epoch_ends) end_epoch();
    if (best || is_due(options_.save_every, epoch_ends) || finished()) save(best);
    paused_ += pause.seconds();
  }
  double wall = wall_.seconds() - paused_;
  // An evaluation that was not due is no part of the state: it would not be in a run that went on.
  report_.test_accuracy =
      position_.evaluated_step == position_.step ? position_.test_accuracy : evaluate();
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

// One step on this rank's part of a global batch; answers the sums over the whole batch.
Trainer::Sums Trainer::step(const Batch& batch) {
  Backend& backend = parts_.parameters.backend();
  Tensor inputs = batch.inputs_on(backend), labels = batch.labels.to(backend);
  nn::Context context{
      .training = true,
      .rng = {options_.seed, mix(stream_of("step"), static_cast<uint64_t>(position_.step))},
      .first_sample = batch.first_in_global};

  parts_.parameters.zero_grad();
  Variable logits = parts_.model.forward(Variable(inputs), context);
  CrossEntropy loss = cross_entropy(logits, labels);
  sums_[0] = total(loss.losses.value());
  sums_[1] = total(loss.correct);
  auto started = parts_.comm.start_all_reduce({sums_, DType::f64, Shape{2}});

  try {
    // Divided by the global batch, so that the sum over ranks is the average over samples.
    loss.losses.backward(
        full(backend, loss.losses.shape(), 1.0 / static_cast<double>(batch.global_size)));
    parts_.parameters.fill_missing_gradients();
    Timer wait;
    reducer_.finish();
    parts_.comm.wait(started);
    average_buffers(batch);
    double waited = wait.seconds();
    comm_wait_ += waited;
    log_comm_wait_ += waited;
  } catch (...) {
    parts_.comm.abandon();  // sums_ and the gradients may go before the communicator
    throw;
  }

  check(std::isfinite(sums_[0]), "step ", position_.step + 1, ": the loss is ", sums_[0],
        "; lower the learning rate (now ", options_.lr, ")");
  parts_.optimizer.step(options_.lr);
  return {sums_[0], sums_[1]};
}

// Running statistics become the average over the samples of all ranks, so that the state is the
// same on every rank after every step.
void Trainer::average_buffers(const Batch& batch) {
  Tensor& buffers = parts_.parameters.buffers();
  if (!buffers.defined() || parts_.comm.size() == 1) return;
  buffers *= static_cast<double>(batch.labels.elements()) / static_cast<double>(batch.global_size);
  parts_.comm.all_reduce(buffers.view());
}

void Trainer::end_epoch() {
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

// The accuracy on the test data: every sample exactly once, shared among the ranks.
double Trainer::evaluate() {
  NoGrad no_grad;
  Backend& backend = parts_.parameters.backend();
  parts_.test_data.seek(0, 0);
  double sums[2] = {0, 0};
  for (int64_t i = 0; i < parts_.test_data.steps_per_epoch(); ++i) {
    Batch batch = parts_.test_data.next();
    if (batch.labels.elements() == 0) continue;
    Variable logits = parts_.model.forward(Variable(batch.inputs_on(backend)), {});
    CrossEntropy loss = cross_entropy(logits, batch.labels.to(backend));
    sums[0] += total(loss.losses.value());
    sums[1] += total(loss.correct);
  }
  parts_.comm.all_reduce({sums, DType::f64, Shape{2}});
  auto samples = static_cast<double>(parts_.test_data.samples());
  const double accuracy = sums[1] / samples;
  if (parts_.metrics)
    parts_.metrics->add_evaluation({.step = position_.step,
                                    .epoch = position_.epoch,
                                    .samples = samples_seen(),
                                    .test_loss = sums[0] / samples,
                                    .test_accuracy = accuracy});
  return accuracy;
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
  if (!parts_.store) return;
  Snapshot snapshot = take_snapshot([this](StateVisitor& visitor) { visit(visitor); });
  snapshot.texts["config"] = options_.config;
  parts_.store->save(position_.step, std::move(snapshot), best);
}

void Trainer::log_step(double loss) {
  if (parts_.progress)
    parts_.progress->update(
        {.epoch = position_.epoch + 1,
         .epochs = options_.epochs,
         .step = position_.step,
         .steps = options_.epochs * parts_.train_data.steps_per_epoch(),
         .examples_per_s = static_cast<double>(samples_here_) / (step_seconds_ + data_wait_),
         .loss = loss,
         .data_wait_s = data_wait_,
         .seconds_left = seconds_left()});
  if (options_.log_every == 0 || position_.step % options_.log_every != 0) return;
  double rate = static_cast<double>(log_samples_) / log_seconds_;
  if (parts_.metrics)
    parts_.metrics->add({.step = position_.step,
                         .epoch = position_.epoch,
                         .samples = samples_seen(),
                         .loss = loss,
                         .lr = options_.lr,
                         .examples_per_s = rate,
                         .data_wait_s = log_data_wait_,
                         .comm_wait_s = log_comm_wait_});
  parts_.log.note("step ", position_.step, ": loss ", fixed(loss, 4), ", ", fixed(rate, 0),
                  " examples/s, waited ", fixed(log_data_wait_, 3), " s for data, ",
                  fixed(log_comm_wait_, 3), " s for other ranks");
  log_samples_ = 0;
  log_seconds_ = log_data_wait_ = log_comm_wait_ = 0;
}

}  // namespace d2l
