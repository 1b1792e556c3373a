#pragma once

#include <string>

#include "data/dataset.h"
#include "framework/tensor/feed.h"

namespace d2l::launcher {

// Checks the form of --normalize: "none"; "data" for the statistics of the training data;
// "imagenet" or "cifar10" for those of these datasets; or "MEAN:STD", each one number or one number
// per channel, separated by ','. Throws UsageError.
void check_normalisation(const std::string& text);
// What it means for this dataset: one number per channel, or none for "none". Throws UsageError if
// the numbers do not match the channels, and for "data" if the dataset does not know its
// statistics.
Normalisation parse_normalisation(const std::string& text, const data::DatasetInfo& data);

}  // namespace d2l::launcher
