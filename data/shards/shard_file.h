#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/input_file.h"

namespace d2l::data {

// The description of a shard: a part of one split of a dataset as one HDF5 file
// (docs/data-format.md).
struct ShardInfo {
  DatasetInfo dataset;  // samples: of the whole split, over all shards
  Split split = Split::train;
  int index = 0;  // this is shard `index` of `shards`
  int shards = 1;
  int64_t first = 0;          // index in the split of this shard's sample 0
  int64_t samples = 0;        // in this shard
  int64_t chunk_samples = 0;  // images per chunk, the unit of storing and reading
  int deflate = 0;            // compression level; 0: none
};

// The most bytes in a chunk, in all labels and in all class names, so that a small malicious file
// cannot exhaust its reader's memory.
constexpr uint64_t kMostChunkBytes = uint64_t{1} << 28;

// "train-00003-of-00008.h5"
std::string shard_name(Split split, int index, int shards);

// Writes samples [info.first, info.first + info.samples) of `source`. Atomic and durable: a reader
// finds either no file or a complete one that ShardFile opens. `progress` is called repeatedly; an
// exception from it ends the writing. info.chunk_samples 0 selects chunks of about 1 MB.
void write_shard(
    const std::filesystem::path& path, ShardInfo info, const Dataset& source,
    const std::function<void()>& progress = [] {});

// Reads a shard. Thread-safe. The file is not trusted: it is not read with the HDF5 library, and
// sizes are checked against the file's size before memory is allocated.
class ShardFile {
 public:
  // Reads and verifies the shard's description and labels, not its images. `pool` decides how long
  // the file stays open. Throws Error naming the file, what was expected and what was found.
  explicit ShardFile(const std::filesystem::path& path,
                     std::shared_ptr<DescriptorPool> pool = std::make_shared<DescriptorPool>(1));
  ~ShardFile();
  ShardFile(ShardFile&&) noexcept;
  ShardFile& operator=(ShardFile&&) noexcept;

  const std::filesystem::path& path() const;
  const ShardInfo& info() const;
  const std::vector<int64_t>& labels() const;
  uint32_t images_crc() const;  // CRC-32 of all images, as stored in the file

  int64_t chunks() const;
  int64_t chunk_size(int64_t chunk) const;  // samples in it; the last chunk may have fewer
  // The images of one chunk. Throws Error naming the file and the samples if they are damaged.
  std::vector<uint8_t> read_chunk(int64_t chunk) const;

  uint64_t stored_bytes() const;  // of the images, as stored in the file
  // Reads and verifies everything. Throws Error naming the damaged part.
  void verify() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace d2l::data
