#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace d2l {

// Keeps released blocks and hands them out again, so that a training step in its steady state asks
// the system for nothing. Sizes are rounded up to classes an eighth of a power of two apart (at
// most 12.5 % lost). Safe to call from several threads. Serves any device: it is given the raw
// calls.
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
  // Gives every free block back to the system.
  void trim();
  Stats stats() const;

 private:
  Raw raw_;
  mutable std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;  // size class -> blocks
  std::unordered_map<void*, size_t> in_use_;   // block -> size class
  Stats stats_;
};

}  // namespace d2l
