#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// Warnings about usable but suspicious data, one line each: missing parts of the original
// (DatasetInfo::remarks), classes without training samples, classes that occur only in the training
// data or only in the test data. Does not read images.
std::vector<std::string> oddities(const Dataset& train, const Dataset& test);

// The same for the first `samples` of one split.
std::vector<std::string> oddities(const Dataset& dataset, Split split, int64_t samples);

// Warnings about classes without samples in a split with these samples per class.
std::vector<std::string> oddities(const DatasetInfo& info, Split split,
                                  const std::vector<int64_t>& counts);

// The number of samples of each class: "60, 0, 58"; at most 32 classes.
std::string counts_text(const std::vector<int64_t>& counts);

}  // namespace d2l::data
