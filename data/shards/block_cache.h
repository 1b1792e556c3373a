#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "data/shards/shard_file.h"

namespace d2l::data {

// Keeps blocks in memory. Drops those whose samples were all used, then the least recently used.
// Thread-safe. Blocks that are still in use after they were dropped, or that threads read at the
// same time, may exceed the limit by one block per thread.
class BlockCache {
 public:
  using Block = std::shared_ptr<const SampleBlock>;

  explicit BlockCache(uint64_t most_bytes) : most_bytes_(most_bytes) {}

  // Returns the block with `key`. Calls `read` if it is not in memory; other threads that want the
  // same block wait for it. Throws what `read` throws. `bytes`: its SampleBlock::memory().
  Block get(uint64_t key, uint64_t bytes, const std::function<SampleBlock()>& read);

  // Counts `used` samples that the caller will not need for a while, such as in this epoch. Drops
  // the block when it has counted `samples`, which are all of the block.
  void count_used(uint64_t key, int64_t used, int64_t samples);

  uint64_t bytes() const;

 private:
  struct Entry {
    std::shared_future<Block> block;
    uint64_t bytes = 0;
    int64_t used = 0;                   // samples
    std::list<uint64_t>::iterator use;  // its position in uses_, or the end while it is read
  };

  void make_room(uint64_t bytes);
  void drop(uint64_t key);

  const uint64_t most_bytes_;
  mutable std::mutex mutex_;
  std::list<uint64_t> uses_;  // keys of blocks that were read, most recent first
  std::unordered_map<uint64_t, Entry> entries_;
  uint64_t bytes_ = 0;
};

}  // namespace d2l::data
