#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "data/dataset.h"
#include "data/shards/block_cache.h"
#include "data/shards/shard_file.h"
#include "data/shards/shard_set.h"

namespace d2l::data {

struct ShardDatasetOptions {
  static constexpr uint64_t kDefaultCacheBytes = uint64_t{2} << 30;

  // For whole blocks. If all fit, each is read only once.
  uint64_t cache_bytes = kDefaultCacheBytes;
  // If they do not fit: the caller visits the samples block by block, or a few blocks at a time.
  // Otherwise the samples are visited in any order, and are read one by one where this is possible
  // (see ShardFile::has_single_samples).
  bool by_blocks = false;
  // If above 0, instead of cache_bytes: room for this many blocks, the largest ones.
  int64_t cache_blocks = 0;
};

// All shards of one split in a folder.
class ShardDataset final : public Dataset {
 public:
  // Throws what open_shards() throws.
  ShardDataset(const std::filesystem::path& folder, Split split,
               const ShardDatasetOptions& options = {});

  int64_t shards() const { return static_cast<int64_t>(files_.size()); }
  bool reads_single_samples() const { return single_; }
  uint64_t cached_bytes() const { return cache_.bytes(); }

  std::string place_of(int64_t index) const override;
  std::string name_of(int64_t index) const override;
  std::vector<int64_t> blocks() const override;
  uint64_t memory_bound() const override;

 private:
  // The records of a shard whose samples are read one by one; read when they are first needed.
  struct Records {
    std::once_flag once;
    std::vector<SampleRecord> all;
  };

  ShardDataset(std::vector<ShardFile> files, const ShardDatasetOptions& options);
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override;
  int64_t label_of(int64_t index) const override;
  void read_labels(int64_t begin, std::span<int64_t> labels) const override;
  std::vector<int64_t> count_labels(int64_t samples) const override;
  uint64_t content_checksum() const override;

  void visit_blocks(std::span<const int64_t> indices, std::span<const size_t> order,
                    const Visitor& visitor) const;
  void visit_single(std::span<const int64_t> indices, std::span<const size_t> order,
                    const Visitor& visitor) const;
  size_t shard_of(int64_t index) const;
  const std::vector<SampleRecord>& records_of(size_t shard) const;
  BlockCache::Block cached_block(size_t shard, int64_t index) const;

  static uint64_t key_of(size_t shard, int64_t block);
  static uint64_t cache_bytes_of(const std::vector<ShardFile>& files,
                                 const ShardDatasetOptions& options);

  std::vector<ShardFile> files_;
  uint64_t content_bytes_ = 0;  // of all blocks in memory
  uint64_t cache_bytes_;
  bool single_ = false;
  std::unique_ptr<Records[]> records_;  // per shard
  mutable BlockCache cache_;
};

}  // namespace d2l::data
