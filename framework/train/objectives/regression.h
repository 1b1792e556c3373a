#pragma once

#include <memory>

#include "framework/train/objective.h"

namespace d2l {

struct RegressionOptions {
  enum class Loss {
    squared,   // half of the square, as in chapter 3
    absolute,  // L1
    huber      // quadratic near 0, linear further out (Huber, 1964)
  };

  Loss loss = Loss::squared;
  double huber_delta = 1;  // where the linear parts begin
  bool log_error = false;  // also the metric of chapter 5.7's house prices
};

// Targets f32 [n] or [n, k] and outputs of as many elements; the loss of a sample is the average
// over its k elements. Metrics: rmse, the root of the mean squared error; mae, the mean absolute
// error; and log_rmse, the rmse between the logarithms of predictions and targets, both clamped to
// at least 1.
std::unique_ptr<Objective> make_regression(const RegressionOptions& options);

}  // namespace d2l
