#pragma once

#include <string>

#include "framework/train/feed.h"

namespace d2l::launcher {

// Parses --normalize: "none"; "imagenet" or "cifar10" for the statistics of these datasets; or
// "MEAN:STD", each one number or one number per channel, separated by ','. Throws UsageError.
Normalisation parse_normalisation(const std::string& text);
// The same for images with `channels` channels: returns one number per channel. Throws UsageError
// if the numbers do not match the channels.
Normalisation parse_normalisation(const std::string& text, int64_t channels);

}  // namespace d2l::launcher
