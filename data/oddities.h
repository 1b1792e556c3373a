#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// What is odd about data that can be used as they are, for warnings, one line each: files that the
// original has more of (DatasetInfo::remarks), classes without training samples, classes that only
// the test data have, or that these lack. No image is read.
std::vector<std::string> oddities(const Dataset& train, const Dataset& test);

// The same of the first `samples` of one split.
std::vector<std::string> oddities(const Dataset& dataset, Split split, int64_t samples);

// How many of the labels are of each class: "60, 0, 58"; of 32 classes, if there are more.
std::string counts_text(const std::vector<int64_t>& labels, int64_t classes);

}  // namespace d2l::data
