#pragma once

#include <string>
#include <vector>

#include "framework/autograd/variable.h"

namespace d2l {

// A measure of a network's quality: a function of the average of one number per sample.
struct Metric {
  std::string name;   // in metrics.csv and checkpoints: "accuracy"
  std::string label;  // in log lines: "acc"
  std::string sum;    // in checkpoints, for the sum over an epoch's samples: "correct"
  double most = 1;    // each sample's number is from 0 to this; may be infinite
  bool larger_is_better = true;
  double (*of_average)(double average) = [](double average) { return average; };

  // A value for people: a share has three digits after the point, see also rounded().
  std::string text(double value) const;
};

// The loss on the test data as a metric, whose value is the average itself.
Metric loss_metric();

// The metric that decides which checkpoint is the best: the one with this name, which may be
// "loss", or for "" the first. Throws UsageError with the possible names for another name.
Metric deciding_metric(const std::vector<Metric>& metrics, const std::string& name);

// The loss that training minimises and the metrics that are reported. Implementations are classes
// in framework/train/objectives/.
class Objective {
 public:
  enum class Phase { training, evaluation };

  struct Result {
    Variable losses;              // f32 [n], one per sample
    std::vector<Tensor> numbers;  // for each metric f32 [n], one number per sample
  };

  // The targets of mixed samples.
  struct MixedTargets {
    Tensor own, partners;  // [n, ...] each
    Tensor weights;        // f32 [n], from 0 to 1, of `own`; `partners` have the rest
  };

  // The first metric decides which checkpoint is the best, unless the user selects another.
  explicit Objective(std::vector<Metric> metrics) : metrics_(std::move(metrics)) {}
  virtual ~Objective() = default;

  // Evaluates a network's outputs [n, ...] against the targets [n, ...] of the same samples. Must
  // only queue work on the backend, so that steps can be recorded.
  virtual Result operator()(const Variable& outputs, const Tensor& targets, Phase phase) const = 0;
  // For mixed samples, in training: the weighted sum of the losses for both targets, and the
  // metrics' numbers for the target with the larger weight. Only if mixes_targets().
  Result of_mixed(const Variable& outputs, const MixedTargets& targets) const;
  virtual bool mixes_targets() const { return false; }
  // The type of the targets on the device.
  virtual DType target_type() const = 0;

  const std::vector<Metric>& metrics() const { return metrics_; }

 private:
  std::vector<Metric> metrics_;
};

}  // namespace d2l
