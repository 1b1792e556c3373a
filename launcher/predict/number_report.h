#pragma once

#include <string>

#include "launcher/predict/image_set.h"
#include "launcher/predict/predictions.h"

namespace d2l::predict {

// What is reported about predicted numbers.
struct NumberReport {
  const ImageSet& rows;
  const PredictedNumbers& predictions;
  bool log_error = false;  // also log_rmse, see make_regression()

  // The key and the predicted number of each row: "Id,SalePrice".
  std::string csv() const;
  // A line: the number of rows and, if the targets are known, the metrics of make_regression().
  std::string summary() const;
};

}  // namespace d2l::predict
