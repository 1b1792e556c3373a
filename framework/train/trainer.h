#pragma once

#include <vector>

#include "framework/checkpoint/store.h"
#include "framework/train/checkpoint_saver.h"
#include "framework/train/in_flight.h"
#include "framework/train/journal.h"
#include "framework/train/trainer_options.h"
#include "framework/train/training_state.h"
#include "framework/train/training_step.h"

namespace d2l {

// Everything that a trainer works with; finished, and owned by the caller.
struct TrainerParts {
  nn::Module& model;
  const Objective& objective;
  nn::ParameterSet& parameters;
  Optimizer& optimizer;
  Communicator& comm;
  BatchSource& train_data;
  BatchSource& test_data;
  Log& log;
  Progress* progress = nullptr;  // rank 0's; nullptr elsewhere
};

struct TrainerReport {
  double loss = 0;                  // over the last epoch, or what there is of it
  std::vector<double> train, test;  // the objective's metrics
  double compute_rate = 0;          // see Journal, both
  double wall_rate = 0;
  bool saved = true;           // the final checkpoint is on disk
  std::vector<double> losses;  // of the steps of this process
};

// Data -> network -> objective -> gradients -> all-reduce -> optimizer -> checkpoint.
class Trainer {
 public:
  Trainer(const TrainerParts& parts, TrainerOptions options);

  // Continues from a checkpoint's state; every rank gets the same snapshot.
  void restore(const Snapshot& snapshot, const std::string& origin) {
    state_.restore(snapshot, origin, parts_.train_data);
  }
  TrainingState& state() { return state_; }
  bool finished() const;  // by its options

  // Trains to the end, saves, and answers the book's figures.
  TrainerReport run();
  // Does so many steps from where training and data are, without evaluations and checkpoints.
  void advance(int64_t steps);
  TrainerTimes times() const { return journal_.times(); }

  // Rank 0's, for a run; made after restore(), which says what of them is still true.
  void set_files(CheckpointStore* store, MetricsFile* metrics);

 private:
  // A batch and its step; whether the epoch ends with it.
  bool take_step();
  // Waits for the oldest steps in flight and counts their results: for all of them, or until a new
  // step may be queued.
  enum class Which { all, oldest };
  void complete_steps(Which which);
  void end_epoch();
  // The metrics on the test data. Whether it is part of the run, or only asked for at its end: that
  // is not recorded, since a run that continues would not have it.
  enum class Purpose { record, final_report };
  std::vector<double> evaluate(Purpose purpose);
  void save(bool best);

  TrainerParts parts_;
  TrainerOptions options_;
  TrainingState state_;
  CheckpointSaver saver_;
  TrainingStep step_;
  Journal journal_;
  InFlight<StepInFlight> in_flight_;
};

}  // namespace d2l
