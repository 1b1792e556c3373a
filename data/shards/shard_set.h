#pragma once

#include <filesystem>
#include <vector>

#include "data/shards/shard_file.h"

namespace d2l::data {

// The files of `split` in `folder` that are named like shards, in order; empty if there are none or
// no such folder.
std::vector<std::filesystem::path> find_shards(const std::filesystem::path& folder, Split split);

// Opens all shards of one split, in order. Only the first keeps its class names. Throws Error if
// there are none, if one is missing or extra, or if they disagree about version, shape, classes or
// number of samples.
std::vector<ShardFile> open_shards(const std::filesystem::path& folder, Split split);

}  // namespace d2l::data
