#pragma once

#include <memory>

#include "framework/train/objective.h"

namespace d2l {

struct ClassificationOptions {
  int64_t classes = 10;
  double label_smoothing = 0;  // in training; see cross_entropy()
};

// One label i64 [n] per sample, scores [n, classes] (chapter 4): softmax cross-entropy. Metrics:
// the accuracy and, with 20 classes or more, the share of samples whose label is among the five
// largest scores.
std::unique_ptr<Objective> make_classification(Backend& backend,
                                               const ClassificationOptions& options);

}  // namespace d2l
