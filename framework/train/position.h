#pragma once

#include <cstdint>
#include <vector>

#include "framework/tensor/state.h"
#include "framework/train/objective.h"

namespace d2l {

// How far a run is and what its current epoch has added up; part of every checkpoint.
struct Position {
  // What is known of one of the objective's metrics.
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
  // The test data were evaluated at this step; whether the first metric is better than ever.
  bool improves(const std::vector<double>& test);

  // Over the current epoch so far or, at its beginning, over the last one.
  double loss_so_far() const;
  std::vector<double> metrics_so_far() const;
  std::vector<double> test_metrics() const;

  // "progress/...", with the names of the metrics.
  void visit(StateVisitor& visitor);
};

}  // namespace d2l
