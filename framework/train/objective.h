#pragma once

#include <string>
#include <vector>

#include "framework/autograd/variable.h"

namespace d2l {

// A figure that says how good a network is: a function of the average of one number per sample.
struct Metric {
  std::string name;   // in metrics.csv and checkpoints: "accuracy"
  std::string label;  // in log lines: "acc"
  std::string sum;    // in checkpoints, the sum over the samples of an epoch: "correct"
  double most = 1;    // each sample's number is from 0 to this; may be infinite
  bool larger_is_better = true;
  double (*of_average)(double average) = [](double average) { return average; };
};

// What a network is trained for: the loss that training makes small, and the metrics that are
// reported. A new one is a class in framework/train/objectives/.
class Objective {
 public:
  enum class Phase { training, evaluation };

  struct Result {
    Variable losses;              // f32 [n], one per sample
    std::vector<Tensor> numbers;  // f32 [n] each, one per sample and metric
  };

  // The first metric decides which checkpoint is the best.
  explicit Objective(std::vector<Metric> metrics) : metrics_(std::move(metrics)) {}
  virtual ~Objective() = default;

  // Of a network's outputs [n, ...] and the targets [n, ...] of the same samples. It may queue work
  // on the backend only, so that steps can be recorded.
  virtual Result operator()(const Variable& outputs, const Tensor& targets, Phase phase) const = 0;
  // What targets are converted to where the network computes.
  virtual DType target_type() const = 0;

  const std::vector<Metric>& metrics() const { return metrics_; }

 private:
  std::vector<Metric> metrics_;
};

}  // namespace d2l
