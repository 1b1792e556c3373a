#pragma once

#include <filesystem>

#include "data/shards/shard_file.h"

namespace d2l {

// Packs the first info.dataset.samples samples of `source` into info.shards shards in the folder
// `out`, which is created if necessary. Only one process at a time may pack a split into it. The
// shards appear when all of them are complete; SIGINT, SIGTERM and errors leave no files. Returns
// the total bytes of the shards.
uint64_t pack_shards(const std::filesystem::path& out, data::ShardInfo info,
                     const data::Dataset& source);

}  // namespace d2l
