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

// Memory from the system in segments, which are cut into blocks: the smallest free block that is
// large enough is handed out, what it has too much stays free, and a released block grows together
// with free neighbours. So a training step in its steady state asks the system for nothing, and
// arrays that do not live at the same time share their memory whatever their sizes. Blocks are
// aligned to 256 bytes, as far as the system's are. Safe to call from several threads. Serves any
// device: it is given the raw calls and does not touch the memory.
class MemoryPool {
 public:
  struct Raw {
    std::function<void*(size_t bytes)> allocate;  // throws Error when there is no memory
    std::function<void(void*)> release;
  };
  struct Stats {
    uint64_t system_allocations = 0;  // how often the system was asked
    uint64_t bytes_reserved = 0;      // held from the system, in use or free
    uint64_t bytes_in_use = 0;        // handed out now
    uint64_t peak_bytes_in_use = 0;
  };

  explicit MemoryPool(Raw raw) : raw_(std::move(raw)) {}
  ~MemoryPool();
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;

  void* allocate(size_t bytes);  // nullptr for 0 bytes
  void release(void* block);
  // Whether an address lies in memory that the pool holds.
  bool owns(const void* address) const;
  // Gives every segment without a block in use back to the system, except those of held parts.
  void trim();
  Stats stats() const;

  // From now on blocks come from segments of this part, 0 at first; parts share nothing, so that
  // addresses which one has handed out stay clear of the others' blocks for good. A released block
  // returns to its own part. Answers the part that was in use before.
  int use_part(int part);
  uint64_t bytes_in_use(int part) const;
  // The memory of a held part stays the pool's, in use or not: its addresses are known elsewhere.
  void hold_part(int part, bool held);

 private:
  struct Block {
    size_t bytes;
    char* segment;  // where its segment begins
    int part;
    bool free;
  };
  using Blocks = std::map<char*, Block>;

  Blocks::iterator add_segment(size_t bytes);
  char* allocate_raw(size_t bytes);
  void trim_locked();
  // Makes `second`, which follows `first` in memory, part of it if both are free.
  void join(Blocks::iterator first, Blocks::iterator second);
  void set_free(Blocks::iterator block, bool free);

  Raw raw_;
  mutable std::mutex mutex_;
  Blocks blocks_;                                  // by address; they fill their segments
  std::set<std::tuple<int, size_t, char*>> free_;  // parts, sizes and addresses of those free
  std::map<char*, size_t> segments_;               // their sizes
  std::map<int, uint64_t> in_use_;                 // bytes, of parts
  int part_ = 0;                                   // that blocks come from
  std::set<int> held_;
  Stats stats_;
};

// While one lives, blocks come from another part of a pool.
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
