#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "framework/backend/scratch.h"
#include "framework/base/log.h"
#include "framework/base/timer.h"
#include "framework/checkpoint/store.h"
#include "framework/comm/gradient_reducer.h"
#include "framework/nn/parameter_set.h"
#include "framework/optim/ema.h"
#include "framework/optim/optimizer.h"
#include "framework/optim/schedule.h"
#include "framework/tensor/batch.h"
#include "framework/train/feed.h"
#include "framework/train/loss_scale.h"
#include "framework/train/metrics_file.h"
#include "framework/train/progress.h"
#include "framework/train/step_recorder.h"
#include "framework/train/work_left.h"

namespace d2l {

// How far a run is and what its current epoch has added up; part of every checkpoint.
struct Position {
  int64_t step = 0;           // steps done in all
  int64_t epoch = 0;          // the epoch that is under way, from 0
  int64_t step_in_epoch = 0;  // steps done in it
  int64_t epoch_samples = 0;  // samples seen in it, of all ranks
  double epoch_loss = 0;      // sums over those samples
  double epoch_correct = 0;
  double train_loss = 0;  // averages over the last finished epoch
  double train_accuracy = 0;
  int64_t evaluated_step = -1;  // when the test data were last looked at; -1: never
  double test_accuracy = 0;     // then
  double best_accuracy = -1;

  void visit(StateVisitor& visitor);
};

struct TrainerOptions {
  int64_t epochs = 10;
  int64_t max_steps = 0;   // 0: no limit
  int64_t save_every = 0;  // steps; 0: at the end of each epoch
  int64_t eval_every = 0;  // steps; 0: at the end of each epoch
  int64_t log_every = 50;
  Schedule schedule = {};
  int64_t accumulate = 1;  // pieces that a rank's part of a batch is cut into, to save memory
  DType activations = DType::f32;    // or 16 bits: what images and layers' results are stored as
  LossScaleOptions loss_scale = {};  // with activations in f16
  Normalisation normalisation = {};  // of images, in training and evaluation
  double flip = 0;                   // see Augmentation, both
  int64_t crop_padding = 0;
  bool sync_batch_norm = false;  // batch norms use the statistics of all ranks' samples
  double label_smoothing = 0;    // in training
  double clip_value = 0;         // of the averaged gradient's elements; 0: not clipped
  double clip_norm = 0;          // of the whole averaged gradient, after clip_value; 0: not clipped
  double ema = 0;                // decay of averaged weights, which evaluation then uses; 0: none
  bool record = false;           // have the backend record the passes of steps, and replay them
  uint64_t seed = 0;
  std::map<std::string, std::string> texts = {};  // stored in the checkpoints beside the state
};

// Everything that a trainer works with; finished, and owned by the caller.
struct TrainerParts {
  nn::Module& model;
  nn::ParameterSet& parameters;
  Optimizer& optimizer;
  Communicator& comm;
  BatchSource& train_data;
  BatchSource& test_data;
  Log& log;
  // Rank 0's; nullptr elsewhere.
  CheckpointStore* store = nullptr;
  MetricsFile* metrics = nullptr;
  Progress* progress = nullptr;
};

struct TrainerReport {
  double loss = 0, train_accuracy = 0, test_accuracy = 0;
  double compute_rate = 0;     // examples/s without waiting for data, as the book counts
  double wall_rate = 0;        // examples/s of the training loop
  bool saved = true;           // the final checkpoint is on disk
  std::vector<double> losses;  // of the steps of this process
};

// What a trainer's steps took so far.
struct TrainerTimes {
  int64_t samples = 0;   // of all ranks
  double steps = 0;      // seconds, of them
  double comm_wait = 0;  // for other ranks
  double data_wait = 0;  // seconds before the steps
};

// Data -> model -> loss -> gradients -> all-reduce -> optimizer -> checkpoint.
class Trainer {
 public:
  Trainer(TrainerParts parts, TrainerOptions options);

  // Goes on from a checkpoint's state; every rank gets the same snapshot.
  void restore(const Snapshot& snapshot, const std::string& origin);
  // One checksum of all that a checkpoint would hold.
  uint64_t state_checksum();
  // Trains to the end, saves, and answers the book's figures.
  TrainerReport run();
  // Does so many steps from where training and data stand, without evaluations and checkpoints.
  void advance(int64_t steps);
  TrainerTimes times() const;

  // Rank 0's, for a run; made after restore(), which says what of them is still true.
  void set_files(CheckpointStore* store, MetricsFile* metrics) {
    parts_.store = store;
    parts_.metrics = metrics;
  }
  const Position& position() const { return position_; }
  bool finished() const;  // by its options

 private:
  // A step whose work is queued, and what will be known of it.
  struct Flight {
    Flight(Batch data, MemoryPool& staging) : batch(std::move(data)), sums(staging, 3) {}

    Batch batch;          // what the feed loads
    Scratch<float> sums;  // Trainer::sums_
    uint64_t mark = 0;    // behind which sums are there
    int64_t step = 0;     // its number, from 1
    int64_t samples = 0;  // seen with it, since the first step
    double lr = 0;
    double seconds = 0;    // that the host took for it
    bool skipped = false;  // its gradients or its loss are not finite, see LossScale
  };

  bool is_due(int64_t every, bool epoch_ends) const;
  int64_t samples_seen() const;  // of all ranks, since the first step
  double learning_rate() const;  // of the step that comes next
  // A batch, its step, and taking note of both; whether the epoch ends with it.
  bool next_step();
  Batch next_batch();
  void step(Flight& flight);
  StepRecorder::Key key_of(const Batch& batch) const;
  void find_gradients(const Batch& batch);
  void add_gradients(const Batch& batch, const Piece& piece);
  void add_sum(const Tensor& values, int64_t slot, bool first);
  // Takes note of the oldest flight's results, which it waits for, and lets it go.
  void land();
  void land_all();
  // Waits for the backend, which may wait for other ranks.
  void await(uint64_t mark);
  // An exception flies: what has been started with other ranks will not be finished.
  void abandon() noexcept;
  void clip();
  void check_results(const Flight& flight) const;
  // Whether the step has to be skipped; with a loss scale only.
  bool overflows(const Flight& flight);
  void check_finite(const Flight& flight, const char* name, double value) const;
  void average_buffers(const Batch& batch);
  void end_epoch();
  double loss_in_epoch(const Flight& flight, double loss) const;
  double evaluate(bool due);
  double last_accuracy();
  bool improves(double accuracy);
  // Takes a checkpoint, which goes to the store once its state is known to be sound: at once where
  // the test data were just evaluated with it, otherwise when the next step has found a loss.
  void save(bool best);
  void store_pending();
  std::string way_back() const;
  void log_step(const Flight& flight, double loss);
  void visit(StateVisitor& visitor);
  void visit_all_but_scale(StateVisitor& visitor);

  TrainerParts parts_;
  TrainerOptions options_;
  GradientReducer reducer_;
  Feed feed_;
  std::optional<Ema> ema_;
  std::optional<LossScale> loss_scale_;  // with activations in f16
  Position position_;
  struct PendingSave {
    Snapshot snapshot;
    int64_t step = 0;
    bool best = false;
  };
  std::optional<PendingSave> pending_;  // see save()
  // f32 [3], of the step's global batch: the losses' sum, the correct answers and, where it is
  // clipped or scaled, the gradient's norm.
  Tensor sums_;
  Tensor step_;            // i64 [1], its number, from 0
  Tensor buffers_before_;  // the step, where ranks average them; undefined elsewhere
  StepRecorder recorder_;
  std::deque<Flight> flights_;
  size_t flights_ahead_ = 0;  // how many steps the host goes ahead of the device
  Communicator::Work sums_work_ = {};
  bool gradients_final_ = true;  // the backward pass that runs is the step's last
  TrainerReport report_;
  int64_t samples_here_ = 0, log_samples_ = 0;
  double data_wait_ = 0, comm_wait_ = 0, step_seconds_ = 0;
  double log_data_wait_ = 0, log_comm_wait_ = 0, log_seconds_ = 0;
  Timer wall_;
  double paused_ = 0;  // seconds of wall_ that were not training: evaluation, saving
  Spent evaluating_, saving_;
};

}  // namespace d2l
