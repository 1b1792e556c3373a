#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "framework/checkpoint/store.h"
#include "framework/comm/peer_watch.h"
#include "framework/train/checkpoint_saver.h"
#include "framework/train/data_summary.h"
#include "framework/train/in_flight.h"
#include "framework/train/journal.h"
#include "framework/train/trainer_options.h"
#include "framework/train/training_state.h"
#include "framework/train/training_step.h"

namespace d2l {

// The objects that a trainer uses. Fully set up and owned by the caller.
struct TrainerParts {
  nn::Module& model;
  const Objective& objective;
  nn::ParameterSet& parameters;
  Optimizer& optimizer;
  Communicator& comm;
  BatchSource& train_data;
  BatchSource* test_data = nullptr;  // nullptr: no evaluations, so no best checkpoint
  Log& log;
  const Shards* shards = nullptr;  // of the optimizer
  Progress* progress = nullptr;    // rank 0's; nullptr elsewhere
  PeerWatch* peers = nullptr;      // gets to know what this rank is doing; nullptr: nobody asks
  Trace* trace = nullptr;          // what this rank does is recorded there; nullptr: nowhere
  int first_rank = 0;              // the number in the job of the communicator's rank 0
  // Why this rank wants the run to stop before its end; "" as long as it does not. Asked once in
  // each step.
  std::function<std::string()> stop_reason = {};
  // Saves the state of a step for a job that has lost a rank. Returns what it has done, for the
  // error message: "its state is saved in PATH".
  std::function<std::string(int64_t step, const Snapshot& state)> leave_state = {};
};

struct TrainerReport {
  int64_t step = 0;                    // the last one
  double loss = 0;                     // over the last epoch, even if incomplete
  std::vector<double> train, test;     // the objective's metrics; `test` is empty without test data
  double test_loss = 0;                // if there are test data
  std::optional<Position::Best> best;  // nothing if there was no scheduled evaluation
  Metric deciding = loss_metric();     // of `best`
  double compute_rate = 0;             // see Journal
  double wall_rate = 0;
  DataSummary data;            // over all ranks
  bool saved = true;           // the final checkpoint is on disk
  std::string stopped;         // why the run stopped before its end; "": it did not
  std::vector<double> losses;  // of the steps of this process
};

// Data -> network -> objective -> gradients -> all-reduce -> optimizer -> checkpoint.
class Trainer {
 public:
  Trainer(const TrainerParts& parts, TrainerOptions options);

  // Continues from a checkpoint's state. Every rank must pass the same snapshot.
  void restore(const Snapshot& snapshot, const std::string& origin) {
    state_.restore(snapshot, origin, parts_.train_data);
  }
  TrainingState& state() { return state_; }
  bool finished() const;  // by epochs, max_steps or patience
  // By patience. The last evaluations have decided it, so that all ranks agree.
  bool ended_early() const;
  // "the last 3 evaluations have not improved the test acc (--patience 3)", if it has ended early.
  std::string reason_for_early_end() const;

  // Trains to the end, or to the step after which a rank wants to stop, saves, and returns the
  // numbers that the book reports. Throws PeerLost if another rank is lost; on a CPU, the state of
  // the last finished step has then been left.
  TrainerReport run();
  // Trains up to the step of this state as run() has done, with the evaluations, but saves and
  // reports nothing.
  void repeat_until(const Snapshot& state);
  // Runs `steps` steps from the current position, without evaluations and checkpoints.
  void advance(int64_t steps);
  TrainerTimes times() const { return journal_.times(); }

  // On rank 0, for a run. Call after restore(): the files depend on the restored position.
  void set_files(CheckpointStore* store, MetricsFile* metrics);

 private:
  TrainerReport train();
  [[noreturn]] void leave_state(const PeerLost& loss);
  void unfreeze_if_due();
  // Takes a batch and queues its step.
  void take_step();
  bool epoch_ends() const;
  bool evaluation_is_due() const;
  // Does what is due after the current step: an evaluation, the end of the epoch, a checkpoint. If
  // the run is to stop, only the checkpoint: the rest is done when it continues. `last`: gets the
  // final report's evaluation at the end of the run.
  void finish_step(std::optional<Evaluation>& last);
  // Waits for the oldest steps in flight and adds their results to the position: all of them, or
  // until a new step may be queued.
  enum class Which { all, oldest };
  void complete_steps(Which which);
  void await_oldest();
  void end_epoch();
  // What happened to the data since the last call, over all ranks; names damaged samples.
  DataSummary report_data();
  // Evaluates the test data, which must exist. A final report is not recorded in the run, since
  // an uninterrupted run would not have it.
  enum class Purpose { record, final_report };
  Evaluation evaluate(Purpose purpose);
  // A scheduled evaluation. Returns whether it is the best so far.
  bool evaluate_and_compare();
  void save(bool best);

  TrainerParts parts_;
  TrainerOptions options_;
  Activity unwatched_;
  Activity& activity_;  // of parts_.peers, or unwatched_
  TrainingState state_;
  CheckpointSaver saver_;
  TrainingStep step_;
  Journal journal_;
  InFlight<StepInFlight> in_flight_;
  std::string stop_reason_;      // this rank's
  bool stops_ = false;           // all ranks stop
  DataSummary data_;             // of all steps that are reported, over all ranks
  std::set<std::string> named_;  // problems of damaged samples
};

}  // namespace d2l
