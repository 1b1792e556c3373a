#pragma once

#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "data/dataset.h"
#include "data/shards/shard_file.h"

namespace d2l::data {

// The files of `split` in `folder` that are named like shards, in order; empty if there are none or
// no such folder.
std::vector<std::filesystem::path> find_shards(const std::filesystem::path& folder, Split split);

// All shards of one split in a folder. Caches chunks in memory up to `cache_bytes` and evicts the
// least recently used first.
class ShardDataset final : public Dataset {
 public:
  static constexpr uint64_t kDefaultCacheBytes = uint64_t{2} << 30;

  // Throws Error if there are no shards, if one is missing or extra, or if they disagree about
  // shape, classes or number of samples.
  ShardDataset(const std::filesystem::path& folder, Split split,
               uint64_t cache_bytes = kDefaultCacheBytes);

  int64_t shards() const { return static_cast<int64_t>(files_.size()); }
  uint64_t cached_bytes() const;

 private:
  using Chunk = std::shared_ptr<const std::vector<uint8_t>>;
  struct Cached {
    Chunk chunk;
    std::list<uint64_t>::iterator use;  // its position in uses_
  };

  static std::vector<ShardFile> open_all(const std::filesystem::path& folder, Split split);
  ShardDataset(std::vector<ShardFile> files, uint64_t cache_bytes);
  void visit_samples(std::span<const int64_t> indices, const Visitor& visitor) const override;
  int64_t label_of(int64_t index) const override;
  uint64_t content_checksum() const override;
  size_t shard_of(int64_t index) const;
  Chunk chunk(size_t shard, int64_t number) const;

  std::vector<ShardFile> files_;
  uint64_t cache_bytes_;
  mutable std::mutex mutex_;
  mutable std::list<uint64_t> uses_;  // keys, most recent first
  mutable std::unordered_map<uint64_t, Cached> cache_;
  mutable uint64_t cached_bytes_ = 0;
};

}  // namespace d2l::data
