#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace d2l::data {

// A part of one split of a data set as one HDF5 file; docs/data-format.md describes it.
struct ShardInfo {
  DatasetInfo dataset;  // samples: of the whole split, in all shards
  Split split = Split::train;
  int index = 0;  // this is shard `index` of `shards`
  int shards = 1;
  int64_t first = 0;          // the split's sample that is this shard's sample 0
  int64_t samples = 0;        // in this shard
  int64_t chunk_samples = 0;  // images are stored and read in chunks of so many
  int deflate = 0;            // compression level, 0: none
};

// "train-00003-of-00008.h5"
std::string shard_name(Split split, int index, int shards);

// Writes samples [info.first, info.first + info.samples) of `source`. Atomic and durable: a reader
// finds the whole file or none. `progress` is called now and then; what it throws ends the writing.
// info.chunk_samples of 0 chooses chunks of about 1 MB.
void write_shard(
    const std::filesystem::path& path, ShardInfo info, const Dataset& source,
    const std::function<void()>& progress = [] {});

// An open shard. Safe to use from several threads. The file is opened read-only and not locked, no
// filter plugins are loaded, and sizes are checked against the file's own before memory is asked
// for.
class ShardFile {
 public:
  // Reads what the shard says about itself and its labels (verified); not its images. Throws Error
  // naming the file, what was expected and what was found.
  explicit ShardFile(const std::filesystem::path& path);
  ~ShardFile();
  ShardFile(ShardFile&&) noexcept;
  ShardFile& operator=(ShardFile&&) noexcept;

  const std::filesystem::path& path() const;
  const ShardInfo& info() const;
  const std::vector<int64_t>& labels() const;
  uint32_t images_crc() const;  // CRC-32 of all images, as the file states it

  int64_t chunks() const;
  int64_t chunk_size(int64_t chunk) const;  // samples in it: the last one may hold fewer
  // The images of one chunk. Throws Error naming the file and the samples when they are damaged.
  std::vector<uint8_t> read_chunk(int64_t chunk) const;

  uint64_t stored_bytes() const;  // of the images, as they lie in the file
  // Reads everything. Throws Error naming the damaged place.
  void verify() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace d2l::data
