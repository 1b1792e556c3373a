#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/pixel_sums.h"
#include "data/shards/shard_file.h"

namespace d2l::data {

// Everything that a shard of version 2 contains, except the samples.
struct ShardContents {
  ShardInfo info;
  std::vector<ChunkRow> chunks;
  std::vector<SampleRecord> records;
  std::string names;  // each with a zero byte after it
  std::optional<PixelSums> sums;
};

// Makes the HDF5 file with these contents. Returns the address in the file at which the stored
// bytes of all chunks belong. Throws Error.
uint64_t write_contents(const std::filesystem::path& path, const ShardContents& contents);

}  // namespace d2l::data
