#pragma once

#include <cstdint>
#include <string>
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
  // The best evaluation so far.
  struct Best {
    Metric metric = loss_metric();  // what decides
    double value = -1;              // if there was an evaluation
    int64_t step = -1;              // -1: none, or an old version of d2l did not store it
    int64_t evaluations_since = 0;  // without a better result
  };

  int64_t step = 0;             // steps done in all
  int64_t epoch = 0;            // the current epoch, from 0
  int64_t step_in_epoch = 0;    // steps done in it
  int64_t epoch_samples = 0;    // samples seen in it, by all ranks
  double epoch_loss = 0;        // sum over those samples
  double train_loss = 0;        // average over the last finished epoch
  int64_t evaluated_step = -1;  // when the test data were last evaluated; -1: never
  double test_loss = 0;         // then
  Best best = {};
  std::vector<Known> metrics = {};

  // `best`: see deciding_metric(), whose errors it throws.
  static Position at_start(const std::vector<Metric>& metrics, const std::string& best = "");

  // Ends the epoch: its sums become averages, and the next one begins.
  void end_epoch();
  // Records an evaluation of the test data at this step. Returns whether it is the best so far.
  bool improves(double loss, const std::vector<double>& test);

  // Over the current epoch so far or, at its beginning, over the previous one.
  double loss_so_far() const;
  std::vector<double> metrics_so_far() const;
  std::vector<double> test_metrics() const;
  // The deciding metric, when the test data were last evaluated.
  double deciding_value() const;
  bool decides_by_loss() const { return best.metric.name == loss_metric().name; }

  // "progress/...", with the names of the metrics. Old versions stored only the value of `best`,
  // and no test loss.
  enum class Version { old, current };
  void visit(StateVisitor& visitor, Version version = Version::current);
  // After a restore from an old version: the best step, if that is the last evaluation.
  void find_best_step();
};

}  // namespace d2l
