#pragma once

#include <string>

#include "framework/train/feed.h"

namespace d2l::launcher {

// What --normalize says: "none"; "imagenet" or "cifar10", the statistics of these data sets; or
// "MEAN:STD", each one number or one for each channel with ',' between them. Throws UsageError.
Normalisation parse_normalisation(const std::string& text);
// The same for images of so many channels, a number for each. Throws UsageError where they do not
// fit.
Normalisation parse_normalisation(const std::string& text, int64_t channels);

}  // namespace d2l::launcher
