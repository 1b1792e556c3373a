#pragma once

#include "launcher/predict/sample_set.h"

namespace d2l::predict {

// The rows that the options name, for a network that was trained on a table: a CSV file, or a
// folder of d2l-data pack. Throws UsageError for several words and for options that are only for
// images, and Error if the file does not have the columns of the training data.
SampleSet find_rows(const PredictOptions& options, const StoredNetwork& network);

}  // namespace d2l::predict
