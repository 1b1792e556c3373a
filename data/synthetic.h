#pragma once

#include <memory>

#include "data/dataset.h"

namespace d2l::data {

struct SyntheticOptions {
  int64_t train_samples = 4096;
  int64_t test_samples = 1024;
  int64_t size = 28;  // height and width
  int64_t channels = 1;
  int64_t classes = 10;  // at most 256
  uint64_t seed = 0;
};

// Images that need no files and can be learnt: each class has its own smooth pattern, shifted,
// scaled and covered with noise per sample. A pure function of the options: the same bytes on every
// machine. The train and the test part share patterns, not samples.
std::unique_ptr<Dataset> make_synthetic(Split split, const SyntheticOptions& options = {});

}  // namespace d2l::data
