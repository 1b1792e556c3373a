#include "framework/backend/memory_pool.h"

#include <algorithm>
#include <iterator>

#include "framework/base/error.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, bytes)
#define ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#endif

namespace d2l {
namespace {

constexpr size_t kQuantum = 256;
constexpr size_t kSmallestSegment = size_t{2} << 20;
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kGuard = 64;  // bytes after each block that must not be touched
#else
constexpr size_t kGuard = 0;
#endif

size_t rounded_up(size_t bytes) { return (bytes + kQuantum - 1) / kQuantum * kQuantum; }

}  // namespace

MemoryPool::~MemoryPool() {
  for (const auto& [segment, bytes] : segments_) {
    ASAN_UNPOISON_MEMORY_REGION(segment, bytes);
    raw_.release(segment);
  }
}

void* MemoryPool::allocate(size_t bytes) {
  if (bytes == 0) return nullptr;
  const size_t taken = rounded_up(bytes + kGuard);
  check(taken >= bytes, "out of memory: ", bytes, " bytes");
  std::lock_guard lock(mutex_);
  auto fitting = free_.lower_bound({part_, taken, nullptr});
  const bool found = fitting != free_.end() && std::get<int>(*fitting) == part_;
  auto block = found ? blocks_.find(std::get<char*>(*fitting)) : add_segment(taken);
  set_free(block, false);
  Block& cut = block->second;
  if (cut.bytes > taken) {
    auto rest = blocks_.emplace(block->first + taken,
                                Block{cut.bytes - taken, cut.segment, cut.part, false});
    set_free(rest.first, true);
    cut.bytes = taken;
  }
  in_use_[part_] += taken;
  stats_.bytes_in_use += taken;
  stats_.peak_bytes_in_use = std::max(stats_.peak_bytes_in_use, stats_.bytes_in_use);
  ASAN_UNPOISON_MEMORY_REGION(block->first, bytes);
  return block->first;
}

void MemoryPool::release(void* pointer) {
  if (pointer == nullptr) return;
  std::lock_guard lock(mutex_);
  auto block = blocks_.find(static_cast<char*>(pointer));
  check(block != blocks_.end() && !block->second.free,
        "memory pool: released a block that it did not hand out");
  in_use_[block->second.part] -= block->second.bytes;
  stats_.bytes_in_use -= block->second.bytes;
  ASAN_POISON_MEMORY_REGION(block->first, block->second.bytes);
  set_free(block, true);
  auto next = std::next(block);
  if (next != blocks_.end()) join(block, next);
  if (block != blocks_.begin()) join(std::prev(block), block);
}

void MemoryPool::join(Blocks::iterator first, Blocks::iterator second) {
  const bool neighbours = first->second.segment == second->second.segment;
  if (!neighbours || !first->second.free || !second->second.free) return;
  set_free(first, false);
  set_free(second, false);
  first->second.bytes += second->second.bytes;
  blocks_.erase(second);
  set_free(first, true);
}

void MemoryPool::set_free(Blocks::iterator block, bool free) {
  const std::tuple entry(block->second.part, block->second.bytes, block->first);
  if (free)
    free_.insert(entry);
  else
    free_.erase(entry);
  block->second.free = free;
}

MemoryPool::Blocks::iterator MemoryPool::add_segment(size_t bytes) {
  bytes = std::max(bytes, kSmallestSegment);
  char* segment = allocate_raw(bytes);
  ASAN_POISON_MEMORY_REGION(segment, bytes);
  ++stats_.system_allocations;
  stats_.bytes_reserved += bytes;
  segments_.emplace(segment, bytes);
  auto block = blocks_.emplace(segment, Block{bytes, segment, part_, false}).first;
  set_free(block, true);
  return block;
}

// If the system has no memory, returns free segments to it and tries once more.
char* MemoryPool::allocate_raw(size_t bytes) {
  try {
    return static_cast<char*>(raw_.allocate(bytes));
  } catch (const Error&) {
    trim_locked();
  }
  return static_cast<char*>(raw_.allocate(bytes));
}

bool MemoryPool::owns(const void* address) const {
  std::lock_guard lock(mutex_);
  const char* at = static_cast<const char*>(address);
  auto after = segments_.upper_bound(const_cast<char*>(at));
  if (after == segments_.begin()) return false;
  const auto& [segment, bytes] = *std::prev(after);
  return at < segment + bytes;
}

void MemoryPool::trim() {
  std::lock_guard lock(mutex_);
  trim_locked();
}

void MemoryPool::trim_locked() {
  for (auto segment = segments_.begin(); segment != segments_.end();) {
    auto [begin, bytes] = *segment;
    auto block = blocks_.find(begin);
    const bool whole = block->second.free && block->second.bytes == bytes;
    if (!whole || held_.contains(block->second.part)) {
      ++segment;
      continue;
    }
    set_free(block, false);
    blocks_.erase(block);
    ASAN_UNPOISON_MEMORY_REGION(begin, bytes);
    raw_.release(begin);
    stats_.bytes_reserved -= bytes;
    segment = segments_.erase(segment);
  }
}

void MemoryPool::reset_peak() {
  std::lock_guard lock(mutex_);
  stats_.peak_bytes_in_use = stats_.bytes_in_use;
}

int MemoryPool::use_part(int part) {
  std::lock_guard lock(mutex_);
  return std::exchange(part_, part);
}

uint64_t MemoryPool::bytes_in_use(int part) const {
  std::lock_guard lock(mutex_);
  const auto found = in_use_.find(part);
  return found == in_use_.end() ? 0 : found->second;
}

void MemoryPool::hold_part(int part, bool held) {
  std::lock_guard lock(mutex_);
  if (held)
    held_.insert(part);
  else
    held_.erase(part);
}

MemoryPool::Stats MemoryPool::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace d2l
