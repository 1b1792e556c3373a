#pragma once

#include <functional>
#include <optional>
#include <string>

#include "framework/backend/scratch.h"
#include "framework/base/trace.h"
#include "framework/comm/gradient_reducer.h"
#include "framework/nn/module.h"
#include "framework/tensor/feed.h"
#include "framework/train/objective.h"
#include "framework/train/slice_sums.h"
#include "framework/train/step_recorder.h"
#include "framework/train/training_state.h"

namespace d2l {

struct StepOptions {
  int64_t accumulate = 1;  // pieces of a rank's part of a batch, to save memory
  // A power of two: every batch is cut into so many slices, whose gradients are added as one tree,
  // so that any number of ranks that divides it gives the same bits. Then accumulate is 1. 0: off.
  int64_t slices = 0;
  DType activations = DType::f32;    // f32 or 16 bits: type of images and activations
  Normalisation normalisation = {};  // of images
  Augmentation augmentation = {};
  LossScaleOptions loss_scale = {};  // with activations in f16
  bool sync_batch_norm = false;      // batch norms use statistics over all ranks
  double clip_value = 0;             // limit of gradient elements; 0: not clipped
  double clip_norm = 0;  // limit of the gradient's norm, after clip_value; 0: not clipped
  bool record = false;   // record and replay the passes of steps, see StepRecorder
  uint64_t seed = 0;     // of dropout and augmentation
};

// The objects that a step uses; owned by the caller.
struct StepParts {
  nn::Module& model;
  const Objective& objective;
  TrainingState& state;
  Communicator& comm;
  Log& log;
  const Shards* shards = nullptr;            // of the optimizer
  int64_t largest_batch = 0;                 // samples of this rank, for allocating memory
  Trace* trace = nullptr;                    // nullptr: nothing is recorded
  std::function<std::string()> resume_hint;  // ends the message of an error that ends the run
};

// A step whose work is queued, and its results.
struct StepInFlight {
  StepInFlight(Batch data, size_t numbers, MemoryPool& staging)
      : batch(std::move(data)), sums(staging, static_cast<int64_t>(numbers)) {}

  Batch batch;
  Scratch<float>
      sums;  // over the global batch: loss, metrics, ranks that want to stop, gradient norm
  uint64_t event = 0;   // after which the sums are valid
  int64_t number = 0;   // of the step, from 1
  int64_t samples = 0;  // seen up to its end, since step 1
  double lr = 0;
  double seconds = 0;       // host time spent on it
  bool skipped = false;     // loss or gradients not finite, see LossScale
  bool wants_stop = false;  // this rank wants the run to stop after the step
  double loss_scale = 0;    // after it
};

// Batch -> network -> objective -> gradients -> all-reduce -> optimizer.
class TrainingStep {
 public:
  TrainingStep(const StepParts& parts, const StepOptions& options);
  ~TrainingStep();
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  // Queues the step for this rank's part of a global batch, with the number, learning rate and
  // wish to stop in `step`. On a GPU the weights are updated before the loss is known, so a run
  // with a NaN loss ends one step later, before it saves anything. After an exception, call
  // abandon(): other ranks may be waiting for this one.
  void run(StepInFlight& step, bool completes_at_once);
  // Throws Error if the sums are not finite. Call after the step's event.
  void check_results(const StepInFlight& step) const;

  // Call between steps when parameters were frozen or unfrozen since this object was made.
  void follow_freezing();

  // Whether a rank wants the run to stop; the same on all ranks. Call after the step's event.
  bool stop_is_wanted(const StepInFlight& step) const { return step.sums.data()[stop_slot()] > 0; }

  // Numbers in StepInFlight::sums.
  size_t numbers() const { return parts_.objective.metrics().size() + 3; }
  double comm_wait() const { return comm_wait_; }  // seconds, over all steps
  // After an exception in run(): the model's state is that after the last finished step. On a CPU
  // only: on a GPU, parts of later steps may have been done.
  void undo_unfinished();
  // Abandons operations with other ranks, and the recordings that contain them.
  void abandon() noexcept;
  // See StepRecorder::shared_memory().
  PoolPart shared_memory() const { return recorder_.shared_memory(); }

 private:
  StepRecorder::Key key_of(const Batch& batch) const;
  bool has_slices() const { return options_.slices > 0; }
  std::vector<Piece> pieces_of(const Batch& batch) const;
  void find_gradients(const Batch& batch);
  Objective::Result result_of(const Variable& outputs, const Piece& piece) const;
  void add_gradients(const Batch& batch, const Piece& piece);
  void add_sum(const Tensor& values, size_t slot, bool first);
  size_t stop_slot() const { return numbers() - 2; }
  size_t norm_slot() const { return numbers() - 1; }
  Tensor sum_at(size_t slot) const;
  void tell_wish(bool wants_stop);
  void end_slice(const Batch& batch, const Piece& piece);
  bool overflows(StepInFlight& step);
  void clip();
  void update(const StepInFlight& step);
  void check_finite(const StepInFlight& step, const char* name, double value) const;
  void weigh_buffers(const Batch& batch, int64_t samples);
  void average_buffers(const Batch& batch);

  StepParts parts_;
  StepOptions options_;
  nn::ParameterSet& parameters_;
  Backend& backend_;
  std::optional<GradientReducer> reducer_;  // always there; made anew by follow_freezing()
  Feed feed_;
  StepRecorder recorder_;
  Tensor sums_;    // f32 [numbers()]
  Tensor number_;  // i64 [1], of the step, from 0
  Tensor wish_;    // f32 [1], 1 if this rank wants to stop
  bool wants_stop_ = false;
  Tensor buffers_before_;    // before the step; undefined unless ranks or slices average buffers
  bool unfinished_ = false;  // run() has changed buffers, and not yet the parameters
  Communicator::Work sums_work_ = {};
  int64_t piece_ = 0, pieces_ = 1;  // the current piece of the batch, and their number
  // With slices.
  std::optional<SliceSums> gradients_of_slices_, sums_of_slices_, buffers_of_slices_;
  double comm_wait_ = 0;
};

}  // namespace d2l
