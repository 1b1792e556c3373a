#pragma once

#include <cstdint>
#include <vector>

#include "framework/tensor/state.h"
#include "framework/train/objective.h"

namespace d2l {

// The progress of a run and the sums over its current epoch; part of every checkpoint.
struct Position {
  // The values of one of the objective's metrics.
  struct Known {
    Metric metric;
    double sum = 0;    // over the samples of the current epoch
    double train = 0;  // over the last finished epoch
    double test = 0;   // when the test data were last evaluated
  };

  int64_t step = 0;             // steps done in all
  int64_t epoch = 0;            // the current epoch, from 0
  int64_t step_in_epoch = 0;    // steps done in it
  int64_t epoch_samples = 0;    // samples seen in it, by all ranks
  double epoch_loss = 0;        // sum over those samples
  double train_loss = 0;        // average over the last finished epoch
  int64_t evaluated_step = -1;  // when the test data were last evaluated; -1: never
  double best = -1;             // the first metric's best evaluation so far, if there was one
  std::vector<Known> metrics = {};

  static Position at_start(const std::vector<Metric>& metrics);

  // Ends the epoch: its sums become averages, and the next one begins.
  void end_epoch();
  // Records an evaluation of the test data at this step. Returns whether the first metric is the
  // best so far.
  bool improves(const std::vector<double>& test);

  // Over the current epoch so far or, at its beginning, over the previous one.
  double loss_so_far() const;
  std::vector<double> metrics_so_far() const;
  std::vector<double> test_metrics() const;

  // "progress/...", with the names of the metrics.
  void visit(StateVisitor& visitor);
};

}  // namespace d2l
