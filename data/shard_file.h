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

// The most bytes in a chunk, in all labels and in all class names, so that a small file that was
// made to exhaust its reader's memory cannot.
constexpr uint64_t kMostChunkBytes = uint64_t{1} << 28;

// "train-00003-of-00008.h5"
std::string shard_name(Split split, int index, int shards);

// Writes samples [info.first, info.first + info.samples) of `source`. Atomic and durable: a reader
// finds the whole file or none, and one that ShardFile opens. `progress` is called now and then;
// what it throws ends the writing. info.chunk_samples of 0 chooses chunks of about 1 MB.
void write_shard(
    const std::filesystem::path& path, ShardInfo info, const Dataset& source,
    const std::function<void()>& progress = [] {});

// A shard that can be read. Safe to use from several threads. The file may come from a stranger: it
// is not read by the HDF5 library, and sizes are checked against the file's own before memory is
// asked for.
class ShardFile {
 public:
  // Reads what the shard says about itself and its labels (verified); not its images. The file is
  // open only as long as `pool` keeps it so. Throws Error naming the file, what was expected and
  // what was found.
  explicit ShardFile(const std::filesystem::path& path,
                     std::shared_ptr<DescriptorPool> pool = std::make_shared<DescriptorPool>(1));
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
