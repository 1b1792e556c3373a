#include "data/shards/block_cache.h"

namespace d2l::data {

uint64_t BlockCache::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

void BlockCache::make_room(uint64_t bytes) {
  while (!uses_.empty() && bytes_ + bytes > most_bytes_) {
    drop(uses_.back());
    uses_.pop_back();
  }
}

void BlockCache::drop(uint64_t key) {
  const auto found = entries_.find(key);
  bytes_ -= found->second.bytes;
  entries_.erase(found);
}

BlockCache::Block BlockCache::get(uint64_t key, uint64_t bytes,
                                  const std::function<SampleBlock()>& read) {
  std::promise<Block> promise;
  {
    std::unique_lock lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) {
      const Entry& entry = found->second;
      if (entry.use != uses_.end()) uses_.splice(uses_.begin(), uses_, entry.use);
      const std::shared_future<Block> block = entry.block;
      lock.unlock();
      return block.get();
    }
    make_room(bytes);
    entries_[key] = {.block = promise.get_future().share(), .bytes = bytes, .use = uses_.end()};
    bytes_ += bytes;
  }
  Block block;
  try {
    block = std::make_shared<const SampleBlock>(read());
  } catch (...) {
    {
      std::lock_guard lock(mutex_);
      drop(key);
    }
    promise.set_exception(std::current_exception());
    throw;
  }
  {
    std::lock_guard lock(mutex_);
    if (bytes_ > most_bytes_) {
      drop(key);
    } else {
      uses_.push_front(key);
      entries_[key].use = uses_.begin();
    }
  }
  promise.set_value(block);
  return block;
}

void BlockCache::count_used(uint64_t key, int64_t used, int64_t samples) {
  std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.use == uses_.end()) return;
  found->second.used += used;
  if (found->second.used < samples) return;
  uses_.erase(found->second.use);
  drop(key);
}

}  // namespace d2l::data
