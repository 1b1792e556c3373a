#include "launcher/plan_measurement.h"

#include <algorithm>
#include <ctime>
#include <optional>
#include <vector>

#include "framework/base/process_memory.h"
#include "framework/base/timer.h"
#include "framework/checkpoint/file.h"
#include "framework/train/evaluate.h"
#include "framework/train/make_shards.h"
#include "launcher/step_timing.h"

namespace d2l::launcher {
namespace {

constexpr int64_t kEndless = int64_t{1} << 40;    // steps of an epoch that is never over
constexpr int64_t kWarmUp = 3, kWarmUpOfGpu = 6;  // steps, one of which is recorded
constexpr int64_t kFewest = 5, kMost = 200;       // steps that are timed
constexpr double kEnough = 1.5;                   // seconds of timed steps
constexpr double kLong = 2;                       // a step this long is timed less often
constexpr int64_t kFewestLong = 2;

// Adds up the arrays whose names begin with `prefix`.
class ByteCounter final : public StateVisitor {
 public:
  void tensor(const std::string&, Tensor& value) override { bytes_ += value.bytes(); }
  void integer(const std::string&, int64_t&) override {}
  void optional_integer(const std::string&, int64_t&) override {}
  void real(const std::string&, double&) override {}
  uint64_t bytes() const { return bytes_; }

 private:
  uint64_t bytes_ = 0;
};

template <class Visited>
uint64_t bytes_of(Visited& visited) {
  ByteCounter counter;
  visited.visit(counter);
  return counter.bytes();
}

// Shards show their state as a whole.
uint64_t bytes_of_optimizer(Setup& setup) {
  const uint64_t whole = bytes_of(*setup.optimizer);
  if (!setup.shards) return whole;
  int64_t own = 0;
  for (const Range& range : setup.shards->own) own += range.elements();
  const auto all = static_cast<double>(setup.parameters.values().elements());
  return static_cast<uint64_t>(static_cast<double>(whole) * static_cast<double>(own) / all);
}

// Batches that are read while nothing else is done.
Loading measure_loading(data::Loader& loader) {
  constexpr double kSeconds = 0.7;
  constexpr int64_t kFewestBatches = 3;
  loader.seek(0, 0);
  const Timer timer;
  const std::clock_t before = std::clock();
  int64_t batches = 0;
  do loader.next();
  while (++batches < kFewestBatches || timer.seconds() < kSeconds);
  const auto count = static_cast<double>(batches);
  return {.seconds = timer.seconds() / count,
          .core_seconds = static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC / count};
}

// A full batch of the loader, and the memory of all that it holds at a time.
struct FirstBatch {
  FirstBatch(data::Loader& loader) {
    loader.seek(0, 0);
    batch = loader.next();
    bytes = loader.largest_batch_bytes();
    queue_bytes = static_cast<uint64_t>(loader.queue_depth()) * bytes;
  }

  Batch batch;
  uint64_t bytes = 0, queue_bytes = 0;
};

// Steps that change nothing.
TrainerOptions without_effects(TrainerOptions options, bool records) {
  options.schedule = {.lr = 0};
  options.unfreeze_after = 0;
  options.log_every = 0;
  options.step.record = records;
  return options;
}

std::vector<StepTimeline> timed_steps(Trainer& trainer, TimingCommunicator& comm, int64_t warm_up) {
  const Timer warming;
  int64_t warmed = 0;
  while (warmed < warm_up && (warmed == 0 || warming.seconds() < kLong))
    trainer.advance(1), ++warmed;
  const bool is_long = warming.seconds() / static_cast<double>(warmed) > kLong;
  const int64_t fewest = is_long ? kFewestLong : kFewest;
  std::vector<StepTimeline> timelines;
  const Timer timer;
  while (std::ssize(timelines) < fewest ||
         (timer.seconds() < kEnough && std::ssize(timelines) < kMost)) {
    comm.begin();
    trainer.advance(1);
    timelines.push_back(comm.end());
  }
  return timelines;
}

// Seconds of a step whose work is queued without waiting, as in a run.
double queued_step(Trainer& trainer) {
  trainer.advance(kWarmUpOfGpu);
  constexpr int64_t kSteps = 10;
  const Timer timer;
  trainer.advance(kSteps);
  return timer.seconds() / static_cast<double>(kSteps);
}

// Measures with the parts of a setup, and one batch of each split.
class Measuring {
 public:
  Measuring(Setup& setup, const Machine& machine, int ranks)
      : setup_(setup),
        machine_(machine),
        backend_(*machine.backend),
        comm_(machine.comm->rank(), ranks, backend_) {
    if (setup.shards) exchange_through(comm_, *setup.shards);
    result_.loading = measure_loading(*setup.train_data);
    first_.emplace(*setup.train_data);
    if (setup.test_data) test_.emplace(*setup.test_data);
    setup.train_data.reset();
    setup.test_data.reset();
    train_data_.emplace(first_->batch, kEndless);
    if (test_) test_data_.emplace(test_->batch, 1);
    result_.samples = first_->batch.size();
  }

  PlanMeasurement run(
      const std::function<void(const StepTimeline&, const std::function<void()>&)>& while_able) {
    const bool on_gpu = machine_.on_gpu();
    std::optional<double> queued;
    backend_.pool().reset_peak();
    if (on_gpu && setup_.options.step.record) {
      Trainer trainer(parts(), without_effects(setup_.options, true));
      queued = queued_step(trainer);
    }
    Trainer trainer(parts(), without_effects(setup_.options, false));
    const auto timelines = timed_steps(trainer, comm_, on_gpu ? kWarmUpOfGpu : kWarmUp);
    result_.timed_steps = std::ssize(timelines);
    result_.timeline = median_of(timelines);
    if (queued) result_.timeline = result_.timeline.scaled(*queued / result_.timeline.compute());
    const uint64_t of_training = backend_.pool().stats().peak_bytes_in_use;
    backend_.pool().reset_peak();
    if (test_) result_.evaluation = evaluation_seconds();
    const uint64_t of_evaluation = backend_.pool().stats().peak_bytes_in_use;
    if (machine_.comm->rank() == 0) take_snapshot(trainer);
    count_memory(trainer, of_training, of_evaluation);
    while_able(result_.timeline, [&] { trainer.advance(1); });
    return std::move(result_);
  }

 private:
  TrainerParts parts() {
    return {.model = *setup_.model,
            .objective = *setup_.objective,
            .parameters = setup_.parameters,
            .optimizer = *setup_.optimizer,
            .comm = comm_,
            .train_data = *train_data_,
            .test_data = nullptr,
            .log = quiet_};
  }

  double evaluation_seconds() {
    const StepOptions& options = setup_.options.step;
    double seconds = 0;
    for (int i = 0; i < 2; ++i) {  // the first one warms up
      const Timer timer;
      d2l::evaluate({.model = *setup_.model,
                     .objective = *setup_.objective,
                     .data = *test_data_,
                     .backend = backend_,
                     .comm = comm_,
                     .activations = options.activations,
                     .normalisation = options.normalisation,
                     .pieces = options.accumulate,
                     .slices = options.slices});
      seconds = timer.seconds();
    }
    return seconds;
  }

  // `training`, `evaluating`: peaks of the pool, with one batch of each split on a CPU.
  void count_memory(Trainer& trainer, uint64_t training, uint64_t evaluating) {
    PlannedMemory& memory = result_.memory;
    nn::ParameterSet& arenas = setup_.parameters;
    memory.parameters =
        arenas.values().bytes() + (arenas.buffers().defined() ? arenas.buffers().bytes() : 0);
    memory.gradients = arenas.gradients().bytes();
    memory.optimizer = bytes_of_optimizer(setup_);
    if (trainer.state().ema) memory.averages = bytes_of(*trainer.state().ema);
    const uint64_t tests = test_ ? test_->queue_bytes : 0, test = test_ ? test_->bytes : 0;
    const uint64_t queues = first_->queue_bytes + tests;
    const uint64_t process = ProcessMemory::now().peak;
    if (machine_.on_gpu()) {
      memory.pool = std::max(training, evaluating);
      memory.process = process + queues;
      return;
    }
    memory.batches = queues + first_->bytes;
    memory.pool = std::max(training - test, evaluating - first_->bytes) + queues;
    const uint64_t reserved = backend_.pool().stats().bytes_reserved;
    memory.process = process - std::min(process, reserved) + std::max(memory.pool, reserved);
  }

  void take_snapshot(Trainer& trainer) {
    const Timer timer;
    std::optional<Snapshot> snapshot = trainer.state().snapshot(comm_);
    result_.snapshot = timer.seconds();
    snapshot->texts = setup_.options.texts;
    result_.checkpoint = checkpoint_bytes(*snapshot);
  }

  Setup& setup_;
  const Machine& machine_;
  Backend& backend_;
  TimingCommunicator comm_;
  Log quiet_{true};
  std::optional<FirstBatch> first_, test_;
  std::optional<RepeatedBatch> train_data_, test_data_;
  PlanMeasurement result_;
};

}  // namespace

PlanMeasurement measure_steps(
    Setup& setup, const Machine& machine, int ranks,
    const std::function<void(const StepTimeline& timeline, const std::function<void()>& step)>&
        while_able) {
  return Measuring(setup, machine, ranks).run(while_able);
}

}  // namespace d2l::launcher
