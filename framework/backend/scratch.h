#pragma once

#include <cstdint>
#include <utility>

#include "framework/backend/memory_pool.h"

namespace d2l {

// Memory for `count` elements of type T from the pool, while the object lives.
template <class T>
class Scratch {
 public:
  Scratch(MemoryPool& pool, int64_t count)
      : pool_(&pool),
        data_(static_cast<T*>(pool.allocate(static_cast<size_t>(count) * sizeof(T)))) {}
  ~Scratch() { pool_->release(data_); }
  Scratch(Scratch&& other) noexcept
      : pool_(other.pool_), data_(std::exchange(other.data_, nullptr)) {}
  Scratch& operator=(Scratch&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    return *this;
  }

  T* data() const { return data_; }

 private:
  MemoryPool* pool_;
  T* data_;
};

}  // namespace d2l
