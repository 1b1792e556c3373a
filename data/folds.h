#pragma once

#include <cstdint>
#include <memory>

#include "data/subset.h"

namespace d2l::data {

// Which fold of a K-fold cross-validation.
struct FoldOptions {
  int64_t folds = 2;  // K
  int64_t fold = 1;   // 1 to K
  bool shuffle = false;
  uint64_t seed = 0;  // of shuffled folds
};

// The data of one training of a cross-validation (Dive into Deep Learning, section 3.6.3).
struct Fold {
  std::shared_ptr<const Dataset> train;  // all samples that are not in the fold
  std::shared_ptr<const Dataset> test;   // those of the fold
};

// Divides the samples into K folds whose sizes differ by at most 1: consecutive ranges or, if
// shuffled, random samples, which depend on K, the seed and the number of samples. Each sample is
// in one fold. Both parts read from `whole`. Throws Error unless 2 <= K <= samples and the fold is
// one of them.
Fold make_fold(const std::shared_ptr<const Dataset>& whole, const FoldOptions& options);

}  // namespace d2l::data
