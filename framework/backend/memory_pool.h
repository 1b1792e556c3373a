#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

namespace d2l {

// A caching allocator (best fit, blocks are split and merged). It gets segments from the system and
// cuts them into blocks. allocate() returns the smallest free block that is large enough and splits
// off the rest; a released block is merged with free neighbours. So a training step in its steady
// state never allocates from the system, and arrays with disjoint lifetimes share memory whatever
// their sizes. Blocks are aligned to 256 bytes if the system's memory is. Thread-safe. Works for
// any device: it calls `Raw` and never touches the memory.
class MemoryPool {
 public:
  struct Raw {
    std::function<void*(size_t bytes)> allocate;  // throws Error if there is no memory
    std::function<void(void*)> release;
  };
  struct Stats {
    uint64_t system_allocations = 0;  // number of calls of Raw::allocate
    uint64_t bytes_reserved = 0;      // segments: in use or free
    uint64_t bytes_in_use = 0;        // blocks
    uint64_t peak_bytes_in_use = 0;
  };

  explicit MemoryPool(Raw raw) : raw_(std::move(raw)) {}
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  void* allocate(size_t bytes);  // nullptr for 0 bytes
  void release(void* block);
  // Whether the address is in a segment of the pool.
  bool owns(const void* address) const;
  // Returns all segments without a block in use to the system, except those of held parts.
  void trim();
  Stats stats() const;
  // The peak begins again with what is in use now.
  void reset_peak();

  // Makes `part` the current part; 0 is the first. Blocks come from segments of the current part;
  // parts share no memory, so an address of one part is never reused by another. A released block
  // returns to its own part. Returns the previous part.
  int use_part(int part);
  uint64_t bytes_in_use(int part) const;
  // The segments of a held part are never returned to the system, because recordings contain their
  // addresses.
  void hold_part(int part, bool held);

 private:
  struct Block {
    size_t bytes;
    char* segment;  // the beginning of its segment
    int part;
    bool free;
  };
  using Blocks = std::map<char*, Block>;

  Blocks::iterator add_segment(size_t bytes);
  char* allocate_raw(size_t bytes);
  void trim_locked();
  // Merges `second`, which follows `first` in memory, into it if both are free.
  void join(Blocks::iterator first, Blocks::iterator second);
  void set_free(Blocks::iterator block, bool free);

  Raw raw_;
  mutable std::mutex mutex_;
  Blocks blocks_;                                  // by address; they cover all segments
  std::set<std::tuple<int, size_t, char*>> free_;  // part, size and address of free blocks
  std::map<char*, size_t> segments_;               // address -> size
  std::map<int, uint64_t> in_use_;                 // part -> bytes
  int part_ = 0;                                   // the current part
  std::set<int> held_;
  Stats stats_;
};

// Uses another part of a pool while the object lives.
class PoolPart {
 public:
  PoolPart(MemoryPool& pool, int part) : pool_(pool), before_(pool.use_part(part)) {}
  ~PoolPart() { pool_.use_part(before_); }
  PoolPart(const PoolPart&) = delete;
  PoolPart& operator=(const PoolPart&) = delete;

 private:
  MemoryPool& pool_;
  int before_;
};

}  // namespace d2l
