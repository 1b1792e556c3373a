#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "data/pixel_sums.h"
#include "data/shards/shard_file.h"

namespace d2l::data {

// Samples are stored in chunks of at most these bytes; a larger sample has a chunk of its own.
constexpr uint64_t kUsualChunkBytes = uint64_t{1} << 20;

// Writes one shard of format version 2 (docs/data-format.md). Memory is bounded by one chunk, and
// by 32 bytes, the name and 1 byte for each sample. Samples are appended to a temporary file beside
// `path`; finish() copies them into the shard, so the disk needs room for both. Nothing with the
// final name exists before finish(). Destruction without finish() removes the temporary file. The
// same calls of add() and finish() always write the same bytes.
class ShardWriter {
 public:
  // From `info`: dataset (name, classes, class_names, shape, source, licence), split, index, shards
  // and deflate.
  ShardWriter(std::filesystem::path path, ShardInfo info, uint64_t chunk_bytes = kUsualChunkBytes);
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  // `name`: the original file, for messages. Throws Error for a label outside [0, classes), a shape
  // that contradicts info.dataset.shape or the bytes, and NoRoomError for a full disk.
  void add(const Sample& sample, const std::string& name);
  // The sums of the pixels of all images of this shard, in any portions. Without any, mean and
  // deviation of the dataset are not known.
  void add(const PixelSums& sums);

  int64_t samples() const;

  // Makes the shard complete and durable, after reading it back. `first`: samples of the split in
  // lower shards; `total`: samples of the split in all shards. Call it once.
  void finish(int64_t first, int64_t total);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Writes samples [info.first, info.first + info.samples) of `source`. Atomic and durable: a reader
// finds either no file or a complete one. `progress` is called repeatedly; an exception from it
// ends the writing. Stores the sums of all images if they are pixels.
void write_shard(
    const std::filesystem::path& path, const ShardInfo& info, const Dataset& source,
    const std::function<void()>& progress = [] {}, uint64_t chunk_bytes = kUsualChunkBytes);

}  // namespace d2l::data
