#pragma once

#include <cstdint>
#include <vector>

#include "launcher/options/option.h"

namespace d2l::launcher {

struct Config;

struct CrossValidationConfig {
  int64_t folds = 0;     // K; 0: no cross-validation
  int64_t fold = 0;      // 1 to K; 0: all folds
  bool shuffle = false;  // folds of random samples
  uint64_t seed = 0;     // of shuffled folds: --seed when the run began

  // Whether each fold is a run of its own, in a folder of the run folder.
  bool has_all_folds() const { return folds > 0 && fold == 0; }
  bool operator==(const CrossValidationConfig&) const = default;
};

// How many groups of ranks train folds at the same time, and the ranks of the largest and of the
// smallest one. One group without --kfold, and for a single fold.
int groups_of(const CrossValidationConfig& options, int ranks);
int largest_group(const CrossValidationConfig& options, int ranks);
int smallest_group(const CrossValidationConfig& options, int ranks);

std::vector<Option> cross_validation_options();
void check_cross_validation(const Config& config, const Given& given);

}  // namespace d2l::launcher
