#pragma once

#include <cstdint>
#include <vector>

#include "data/hdf5/array.h"
#include "data/shard_file.h"

namespace d2l::data {

// What a shard holds, but for its images, of which it says where they are.
struct ShardDescription {
  ShardInfo info;
  std::vector<int64_t> labels;
  hdf5::Array images;
  uint32_t images_crc = 0;  // of all images
};

// Throws Error naming the file when it is not what docs/data-format.md says, or damaged.
ShardDescription read_description(const InputFile& file);

// Adds up the checksum (zlib's CRC-32) of bytes that follow those with the checksum `before`.
uint32_t crc_of(uint32_t before, const void* bytes, size_t count);

}  // namespace d2l::data
