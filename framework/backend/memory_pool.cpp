#include "framework/backend/memory_pool.h"

#include <algorithm>
#include <bit>

#include "framework/base/error.h"

namespace d2l {
namespace {

size_t size_class(size_t bytes) {
  constexpr size_t kSmallest = 256;
  if (bytes <= kSmallest) return kSmallest;
  size_t step = std::max<size_t>(std::bit_floor(bytes) / 8, 64);
  return (bytes + step - 1) / step * step;
}

}  // namespace

MemoryPool::~MemoryPool() {
  trim();
  for (auto& [block, bytes] : in_use_) raw_.release(block);
}

void* MemoryPool::allocate(size_t bytes) {
  if (bytes == 0) return nullptr;
  size_t rounded = size_class(bytes);
  std::lock_guard lock(mutex_);
  void* block = nullptr;
  auto found = free_.find(rounded);
  if (found != free_.end() && !found->second.empty()) {
    block = found->second.back();
    found->second.pop_back();
  } else {
    block = raw_.allocate(rounded);
    ++stats_.system_allocations;
    stats_.bytes_reserved += rounded;
  }
  in_use_.emplace(block, rounded);
  stats_.bytes_in_use += rounded;
  stats_.peak_bytes_in_use = std::max(stats_.peak_bytes_in_use, stats_.bytes_in_use);
  return block;
}

void MemoryPool::release(void* block) {
  if (block == nullptr) return;
  std::lock_guard lock(mutex_);
  auto found = in_use_.find(block);
  check(found != in_use_.end(), "memory pool: released a block that it did not hand out");
  free_[found->second].push_back(block);
  stats_.bytes_in_use -= found->second;
  in_use_.erase(found);
}

void MemoryPool::trim() {
  std::lock_guard lock(mutex_);
  for (auto& [bytes, blocks] : free_)
    for (void* block : blocks) {
      raw_.release(block);
      stats_.bytes_reserved -= bytes;
    }
  free_.clear();
}

MemoryPool::Stats MemoryPool::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace d2l
