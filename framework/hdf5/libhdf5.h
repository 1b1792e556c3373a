#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "framework/base/error.h"

// Wrappers of the HDF5 library. Checkpoints and shards are written with it, but not read with it.
namespace d2l::libhdf5 {

// Silences HDF5's error output in the calling thread while it exists.
class Quiet {
 public:
  Quiet();
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

// Owns one HDF5 object of any kind.
class Handle {
 public:
  Handle() = default;
  Handle(hid_t id, herr_t (*closer)(hid_t)) : id_(id), closer_(closer) {}
  ~Handle() { close(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }

  hid_t id() const { return id_; }
  bool valid() const { return id_ >= 0; }
  // False if closing failed, for example because the disk is full.
  bool close() {
    const hid_t id = std::exchange(id_, -1);
    const Quiet quiet;
    return id < 0 || closer_(id) >= 0;
  }

 private:
  hid_t id_ = -1;
  herr_t (*closer_)(hid_t) = nullptr;
};

// The innermost error message of the last failure: "Fletcher32 checksum failed", or "file write
// failed: No space left on device".
std::string reason();

// Throws Error "<what...> (HDF5: <reason>)" unless `ok`.
template <class... Parts>
void require(bool ok, const Parts&... what) {
  if (!ok) fail(what..., " (HDF5: ", reason(), ")");
}

// Creates a file in the format of HDF5 1.10 with any library version, without locks and timestamps.
Handle create_file(const std::filesystem::path& path);

// Write an attribute of `object`.
void write_integer(hid_t object, const char* name, int64_t value);
void write_text(hid_t object, const char* name, const std::string& text);

// The type of fixed-length UTF-8 strings of `length` bytes, padded with zeros.
Handle text_type(size_t length);

}  // namespace d2l::libhdf5
