#pragma once

#include <functional>
#include <string>
#include <vector>

#include "data/pixel_sums.h"
#include "data/shards/shard_file.h"

namespace d2l::data {

// What decoding all images of a shard finds.
struct DecodedShard {
  PixelSums sums;                     // of the intact images
  std::vector<std::string> broken{};  // in the order of samples: place and reason, a line each
};

// Reads and decodes all images of a shard on `threads` threads. `check_stopped` throws to end it.
DecodedShard decode_shard(const ShardFile& shard, int threads,
                          const std::function<void()>& check_stopped);

}  // namespace d2l::data
