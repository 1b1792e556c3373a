#pragma once

#include <string>

#include "framework/train/objective.h"
#include "launcher/predict/predictions.h"
#include "launcher/predict/sample_set.h"

namespace d2l::predict {

// What is reported about predicted numbers.
struct NumberReport {
  const SampleSet& rows;
  const PredictedNumbers& predictions;
  const Objective& objective;  // of the training
  Backend& host;               // a CPU

  // The key and the predicted number of each row: "Id,SalePrice".
  std::string csv() const;
  // A line: the number of rows and, if the targets are known, the metrics of the training.
  std::string summary() const;
};

}  // namespace d2l::predict
