#pragma once

#include <filesystem>

#include "data/shard_file.h"

namespace d2l {

// Packs the first info.dataset.samples samples of `source` into info.shards shards in the folder
// `out`, which is made if need be and which one process at a time packs a split into. The shards
// appear when all of them are whole; SIGINT, SIGTERM and errors leave nothing behind. Answers their
// bytes.
uint64_t pack_shards(const std::filesystem::path& out, data::ShardInfo info,
                     const data::Dataset& source);

}  // namespace d2l
