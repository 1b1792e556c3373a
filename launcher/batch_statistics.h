#pragma once

#include <string>

#include "data/loading/loader.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// Checks that batch norms get at least two values per channel for their statistics. Throws
// UsageError naming the layer if a rank's part of a batch (with --accumulate: a piece of it) has
// fewer. Returns a warning if only the last batch of an epoch is so small, "" otherwise.
std::string check_batch_statistics(const Config& config, const data::Loader& train_data, int ranks);

}  // namespace d2l::launcher
