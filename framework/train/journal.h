#pragma once

#include <optional>
#include <string>
#include <vector>

#include "framework/base/log.h"
#include "framework/base/timer.h"
#include "framework/comm/peer_watch.h"
#include "framework/tensor/batch.h"
#include "framework/train/data_summary.h"
#include "framework/train/evaluate.h"
#include "framework/train/metrics_file.h"
#include "framework/train/progress.h"
#include "framework/train/slow_ranks.h"
#include "framework/train/trainer_options.h"
#include "framework/train/training_step.h"
#include "framework/train/work_left.h"

namespace d2l {

// Totals of a trainer's steps so far.
struct TrainerTimes {
  int64_t samples = 0;   // over all ranks
  double steps = 0;      // seconds in steps
  double comm_wait = 0;  // seconds waiting for other ranks
  double data_wait = 0;  // seconds waiting for batches
};

// Measures a run and reports on it: times and rates, metrics.csv, the progress bar, the log.
class Journal {
 public:
  Journal(Log& log, Progress* progress, const TrainerOptions& options, const BatchSource& data)
      : log_(log), progress_(progress), options_(options), data_(data) {}

  void use(MetricsFile* metrics) { metrics_ = metrics; }
  // On rank 0 of the job: also reports the slowest rank.
  void compare_ranks(const PeerWatch& peers) {
    peers_ = &peers;
    slow_ranks_.emplace(peers.hosts());
  }
  void begin() { wall_.restart(); }

  // The host waited data_wait seconds for a batch, then queued its step in `seconds`.
  void step_queued(StepInFlight& step, double data_wait, double seconds);
  // The host waited `waited` seconds for the step's results; `position` includes them.
  // comm_wait: total seconds so far.
  void step_completed(const StepInFlight& step, double waited, double comm_wait,
                      const Position& position);
  // What this rank's steps took since the previous call; without replaced samples.
  DataSummary take_data_summary();
  // `data`: of the time since the previous epoch, over all ranks.
  void epoch_ended(const Position& position, const DataSummary& data);
  void evaluated(double seconds) { evaluating_.add(seconds); }
  // Adds a scheduled evaluation to the metrics.
  void record(const Evaluation& evaluation, const Position& position, int64_t samples);
  void took_snapshot(double seconds) { saving_.add(seconds); }
  // The host spent `seconds` on starting a save.
  void stored(double seconds) { saving_.seconds += seconds; }
  // Time outside training.
  void paused(double seconds) { paused_ += seconds; }
  // The run is over: removes the progress bar.
  void end();

  const TrainerTimes& times() const { return times_; }
  const std::vector<double>& losses() const { return losses_; }  // of the completed steps
  double compute_rate() const;  // examples/s without waiting for data, as the book counts
  double wall_rate() const;     // examples/s of the training loop

 private:
  struct SinceLog {  // since the last metrics row
    int64_t samples = 0;
    double seconds = 0, data_wait = 0, comm_wait = 0;
  };

  void clear_progress();
  void show_progress(double loss, const Position& position);
  void log_window(const StepInFlight& step, double loss, const Position& position);
  void log_slowest_rank();

  Log& log_;
  Progress* progress_;
  MetricsFile* metrics_ = nullptr;
  const PeerWatch* peers_ = nullptr;
  std::optional<SlowRanks> slow_ranks_;
  const TrainerOptions& options_;
  const BatchSource& data_;
  TrainerTimes times_;
  TrainerTimes summarised_;  // at the last take_data_summary()
  SinceLog window_;
  Spent evaluating_, saving_;
  std::vector<double> losses_;
  Timer wall_;
  double paused_ = 0;
};

}  // namespace d2l
