#pragma once

#include <cstdint>
#include <string>

#include "framework/train/step_model.h"
#include "framework/train/work_left.h"
#include "launcher/plan_measurement.h"

namespace d2l::launcher {

// What a run does, as numbers.
struct RunAmounts {
  int64_t samples = 0, steps_per_epoch = 0;
  int64_t batch = 0;         // samples of a step, over all ranks
  int64_t steps = 0;         // of the run
  int64_t test_batches = 0;  // of an evaluation; 0 without test data
  int64_t keep = 0;          // checkpoints
  WorkLeft work = {};        // of the whole run
};

RunAmounts amounts_of(const Config& config, const Setup& setup);

// Predicts times from what was measured.
struct PlannedRun {
  RunAmounts amounts;
  PlanMeasurement measured;
  StepConditions conditions;  // of this job
  double cores = 1;           // of a rank
  int threads = 1;            // of a rank that compute on these cores; 0 if it computes elsewhere
  bool is_given = false;      // the time of computing: of another machine, so without loading

  // What decides the time of a step.
  enum class Limit { model, loading, cores };
  struct Step {
    StepTime time = {};
    double hideable =
        1;  // what time.hidden() would be if computing and passing bytes did not slow each other
    double seconds = 0;  // with the loading of data
    Limit limit = Limit::model;
  };

  // On another number of ranks, each with as many samples as now.
  Step step(int ranks) const;
  int64_t batch(int ranks) const { return amounts.batch * ranks / conditions.ranks; }
  double epoch(int ranks) const;  // seconds, without evaluations
  double evaluation() const;      // seconds
  double all() const;             // seconds of the run on the ranks of this job
  // Checkpoints in the run folder at the end, with best.h5.
  int64_t checkpoints() const;
};

}  // namespace d2l::launcher
