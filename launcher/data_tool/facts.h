#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <vector>

#include "data/pixel_sums.h"
#include "data/shards/shard_file.h"

namespace d2l::data_tool {

// What the tables of shards say about their images; the images themselves are not read.
struct ShardFacts {
  explicit ShardFacts(const std::vector<data::ShardFile>& shards);

  int64_t samples = 0;
  std::map<data::Encoding, int64_t> encodings{};  // -> number of images
  std::vector<int64_t> class_counts{};
  // Of the images with the fewest pixels, the median number and the most: height and width.
  Shape smallest{}, median{}, largest{};
  uint64_t image_bytes = 0;   // of all images, decompressed
  uint64_t stored_bytes = 0;  // of all images, as stored
  uint64_t file_bytes = 0;
  std::optional<data::PixelSums> sums{};  // if all shards have them
};

// The shards of `path`, which is a shard or a folder, as sets: one per split, or a single file.
// Throws Error if there are none, or if a set is not complete.
std::vector<std::vector<data::ShardFile>> open_sets(const std::filesystem::path& path);

// "500 x 375"
std::string size_text(const Shape& shape);
// Mean and deviation as a value of --normalize: "0.49,0.48,0.45:0.25,0.24,0.26".
std::string normalize_text(const data::PixelSums& sums);

}  // namespace d2l::data_tool
