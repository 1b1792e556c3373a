#pragma once

#include <memory>
#include <string>

#include "data/dataset.h"
#include "data/folds.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// Opens the training data. `ranks`: those that train together. Throws UsageError if there are fewer
// samples than folds.
std::shared_ptr<const data::Dataset> open_training_data(const Config& config, int ranks);

// The data of a run: the training and the test data (nullptr: there are none) or, with --fold, the
// two parts of the training data.
data::Fold open_run_data(const Config& config, int ranks);

// The folder of a fold's run in the folder of all folds: "runs/mlp/fold-2".
std::string fold_folder(const std::string& folder, int64_t fold);

// One line about the data of a fold; "" for a run without folds.
std::string fold_note(const Config& config, const data::Dataset& train, const data::Dataset& test);

// A line that recommends --kfold-shuffle if the fold has all samples of a class, or none of a
// frequent one; otherwise "".
std::string fold_warning(const Config& config, const data::Dataset& train,
                         const data::Dataset& test);

}  // namespace d2l::launcher
