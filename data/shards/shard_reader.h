#pragma once

#include <cstdint>
#include <vector>

#include "data/hdf5/array.h"
#include "data/shards/shard_file.h"

namespace d2l::data {

// The content of a shard without the images; `images` says where they are in the file.
struct ShardDescription {
  ShardInfo info;
  std::vector<int64_t> labels;
  hdf5::Array images;
  uint32_t images_crc = 0;  // of all images
};

// Throws Error naming the file if it is damaged or does not follow docs/data-format.md.
ShardDescription read_description(const InputFile& file);

// Continues a checksum (zlib's CRC-32): `before` is the checksum of the preceding bytes.
uint32_t crc_of(uint32_t before, const void* bytes, size_t count);

}  // namespace d2l::data
