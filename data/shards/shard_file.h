#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/input_file.h"
#include "data/pixel_sums.h"
#include "data/shards/shard_format.h"

namespace d2l::data {

// The description of a shard: a part of one split of a dataset as one HDF5 file
// (docs/data-format.md).
struct ShardInfo {
  DatasetInfo dataset;  // samples: of the whole split, over all shards
  Split split = Split::train;
  int index = 0;  // this is shard `index` of `shards`
  int shards = 1;
  int64_t first = 0;    // index in the split of this shard's sample 0
  int64_t samples = 0;  // in this shard
  int deflate = 0;      // compression level; 0: none
};

// "train-00003-of-00008.h5"
std::string shard_name(Split split, int index, int shards);

// Consecutive samples of a shard that are stored together and read at once: a chunk.
struct BlockPlace {
  int64_t first = 0, samples = 0;  // counted within the shard
  uint64_t bytes = 0;              // of a SampleBlock in memory
};

// The content of a block.
struct SampleBlock {
  std::vector<uint8_t> bytes;
  std::vector<SampleRecord> records;  // of its samples in order; bytes = 0: a damaged record
  // What is wrong with each sample, with its place (see Sample::damage); empty if all are intact.
  std::vector<std::string> damage{};

  Sample sample(size_t number) const;  // the bytes belong to this block
  uint64_t memory() const { return bytes.size() + records.size() * sizeof(SampleRecord); }
};

// Reads a shard of either version. Thread-safe. The file is not trusted: it is not read with the
// HDF5 library, and sizes are checked against the file's size before memory is allocated. In
// memory are the table of its blocks and, for version 1, the labels.
class ShardFile {
 public:
  // Reads and verifies the shard's description, not its samples. `pool` decides how long the file
  // stays open. Throws Error naming the file, what was expected and what was found.
  explicit ShardFile(const std::filesystem::path& path,
                     std::shared_ptr<DescriptorPool> pool = std::make_shared<DescriptorPool>(1));
  ~ShardFile();
  ShardFile(ShardFile&&) noexcept;
  ShardFile& operator=(ShardFile&&) noexcept;

  const std::filesystem::path& path() const;
  int version() const;  // of the format
  const ShardInfo& info() const;
  // Frees the class names: in a set of shards, one copy is enough.
  void drop_class_names();
  std::vector<int64_t> class_counts() const;     // the number of samples of each class
  const std::optional<PixelSums>& sums() const;  // of all images, if known
  // Checksums of all images and labels, as stored in the file.
  std::vector<uint64_t> content_checksums() const;
  uint64_t stored_bytes() const;  // of the images, as stored in the file
  uint64_t memory() const;        // of the tables in memory

  int64_t blocks() const;
  BlockPlace block(int64_t index) const;
  int64_t block_of(int64_t sample) const;
  // Throws Error if the bytes cannot be read; damaged samples are marked in the result.
  SampleBlock read_block(int64_t index) const;

  // Whether samples can be read without their block: the format has version 2, and no block is
  // compressed.
  bool has_single_samples() const;
  // Records of all samples of consecutive blocks, as in SampleBlock.
  std::vector<SampleRecord> read_records(int64_t first_block, int64_t blocks) const;
  // Reads one sample into `bytes`. `record`: of this sample.
  Sample read_sample(int64_t sample, const SampleRecord& record, std::vector<uint8_t>& bytes) const;

  // The original file of a sample. Empty if not known or damaged.
  std::string name_of(int64_t sample) const;
  // "train-00003-of-00008.h5, sample 17 (cats/1.jpg)"
  std::string place_of(int64_t sample) const;

  // Reads and verifies everything. Throws Error naming the damaged part.
  void verify() const;

  class Content;  // one version of the format

 private:
  std::unique_ptr<Content> content_;
};

}  // namespace d2l::data
