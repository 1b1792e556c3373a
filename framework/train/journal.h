#pragma once

#include <string>
#include <vector>

#include "framework/base/log.h"
#include "framework/base/timer.h"
#include "framework/tensor/batch.h"
#include "framework/train/evaluate.h"
#include "framework/train/metrics_file.h"
#include "framework/train/progress.h"
#include "framework/train/trainer_options.h"
#include "framework/train/training_step.h"
#include "framework/train/work_left.h"

namespace d2l {

// What the steps of a trainer took so far.
struct TrainerTimes {
  int64_t samples = 0;   // of all ranks
  double steps = 0;      // seconds, of them
  double comm_wait = 0;  // for other ranks
  double data_wait = 0;  // seconds before the steps
};

// Measures a run and tells about it: times and rates, metrics.csv, the progress bar, the log.
class Journal {
 public:
  Journal(Log& log, Progress* progress, const TrainerOptions& options, const BatchSource& data)
      : log_(log), progress_(progress), options_(options), data_(data) {}

  void use(MetricsFile* metrics) { metrics_ = metrics; }
  void begin() { wall_.restart(); }

  // The host has waited so long for a batch and then queued its step.
  void step_queued(StepInFlight& step, double data_wait, double seconds);
  // Its results are there, for which the host has waited so long, and it is part of the position.
  void step_completed(const StepInFlight& step, double waited, double comm_wait,
                      const Position& position);
  void epoch_ended(const Position& position);
  void evaluated(double seconds) { evaluating_.add(seconds); }
  // An evaluation that was due is a row of the metrics.
  void record(const Evaluation& evaluation, const Position& position, int64_t samples);
  void took_snapshot(double seconds) { saving_.add(seconds); }
  void stored(double seconds) { saving_.seconds += seconds; }
  // Time that is no training.
  void paused(double seconds) { paused_ += seconds; }
  // The run is over: takes the progress bar away.
  void end();

  const TrainerTimes& times() const { return times_; }
  const std::vector<double>& losses() const { return losses_; }  // of the completed steps
  double compute_rate() const;  // examples/s without waiting for data, as the book counts
  double wall_rate() const;     // examples/s of the training loop

 private:
  struct SinceLog {  // since the last row of the metrics
    int64_t samples = 0;
    double seconds = 0, data_wait = 0, comm_wait = 0;
  };

  void clear_progress();
  void show_progress(double loss, const Position& position);
  void log_window(const StepInFlight& step, double loss, const Position& position);

  Log& log_;
  Progress* progress_;
  MetricsFile* metrics_ = nullptr;
  const TrainerOptions& options_;
  const BatchSource& data_;
  TrainerTimes times_;
  SinceLog window_;
  Spent evaluating_, saving_;
  std::vector<double> losses_;
  Timer wall_;
  double paused_ = 0;
};

}  // namespace d2l
