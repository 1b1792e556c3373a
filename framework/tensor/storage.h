#pragma once

#include <cstddef>

#include "framework/backend/backend.h"

namespace d2l {

// Owns one block of a backend's memory pool. Move-only. The destructor returns the block to the
// pool, so the backend must outlive it.
class Storage {
 public:
  Storage(Backend& backend, size_t bytes)
      : backend_(&backend), data_(backend.pool().allocate(bytes)), bytes_(bytes) {}
  ~Storage() {
    if (data_) backend_->pool().release(data_);
  }
  Storage(Storage&& other) noexcept
      : backend_(other.backend_), data_(other.data_), bytes_(other.bytes_) {
    other.data_ = nullptr;
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;
  Storage& operator=(Storage&&) = delete;

  Backend& backend() const { return *backend_; }
  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  Backend* backend_;
  void* data_;
  size_t bytes_;
};

}  // namespace d2l
