#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/shards/shard_file.h"

namespace d2l::data {

// Exact sums over the pixels of images, from which mean and deviation follow. Adding is
// associative: the result does not depend on the order of images.
struct PixelSums {
  uint64_t pixels = 0;
  std::vector<uint64_t> values, squares;  // per channel, of byte values

  void add(const PixelSums& other);
  void add(const uint8_t* pixels, const Shape& shape);  // height x width x channels bytes
};

// Writes one shard of format version 2 (docs/data-format.md) in bounded memory: samples are
// appended to a temporary file beside `path`. Nothing with the final name exists before finish().
// Destruction without finish() removes the temporary file.
class ShardWriter {
 public:
  // From `info`: dataset (name, classes, class_names, shape, source, licence), split, index, shards
  // and deflate.
  ShardWriter(std::filesystem::path path, ShardInfo info);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  // `name`: the original file, for messages. Throws Error for a label outside [0, classes), a shape
  // that contradicts info.dataset.shape, and a full disk.
  void add(const Sample& sample, const std::string& name);
  void add(const PixelSums& sums);

  int64_t samples() const;

  // Makes the shard complete and durable. `first`: samples of the split in lower shards; `total`:
  // samples of the split in all shards.
  void finish(int64_t first, int64_t total);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace d2l::data
