#pragma once

#include <string>

#include "data/loader.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// Batch norms need at least two values per channel to take statistics of. Throws UsageError naming
// the layer where a rank's part of a batch (or with --accumulate, a piece of it) has fewer; answers
// a warning where only the last batch of an epoch is so small, and nothing where all is well.
std::string check_batch_statistics(const Config& config, const data::Loader& train_data, int ranks);

}  // namespace d2l::launcher
