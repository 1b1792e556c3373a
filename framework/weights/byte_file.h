#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "framework/base/byte_source.h"

namespace d2l::weights {

// A regular file whose bytes are read at given positions. Thread-safe.
class ByteFile : public ByteSource {
 public:
  // Throws Error with the path and the reason if it cannot be opened or is not a regular file.
  explicit ByteFile(std::filesystem::path path);
  ~ByteFile() override;

  const std::filesystem::path& path() const { return path_; }
  uint64_t size() const override { return size_; }

  // Both throw Error unless all these bytes lie inside the file and can be read. Nothing is
  // allocated before they are known to lie inside.
  void read(uint64_t begin, std::span<uint8_t> out) const override;
  std::vector<uint8_t> read(uint64_t begin, uint64_t count) const;

 private:
  void check_inside(uint64_t begin, uint64_t count) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  uint64_t size_ = 0;
};

}  // namespace d2l::weights
