#pragma once

#include <string>

#include "data/loading/loader.h"
#include "data/shards/shard_dataset.h"
#include "launcher/options/config.h"

namespace d2l::launcher {

// How this rank reads the shards of a split, by --cache and --shuffle.
data::ShardDatasetOptions shard_options(const Config& config, int ranks, data::Split split);

// A warning if --cache is too small to read each block of --shuffle blocks only once; else empty.
std::string cache_warning(const Config& config, int ranks, const data::Dataset& train);

// "data: at most 13.0 MiB of memory for each rank (dataset 9.4 MiB, order 78.1 KiB, batches 3.5
// MiB), 1 loader thread": of this rank, for training and test data together. `test`: nullptr if
// there are no test data.
std::string data_memory(const data::Loader& train, const data::Loader* test, int threads);

}  // namespace d2l::launcher
