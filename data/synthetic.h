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

// Generated images that a network can learn: each class has its own smooth pattern, and each sample
// shifts it, scales its brightness and adds noise. A pure function of the options: the same bytes
// on every machine. The train and test splits share patterns, not samples.
std::unique_ptr<Dataset> make_synthetic(Split split, const SyntheticOptions& options = {});

}  // namespace d2l::data
