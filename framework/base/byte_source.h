#pragma once

#include <cstdint>
#include <span>

namespace d2l {

// Bytes that are read at given positions, such as a file.
class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  virtual uint64_t size() const = 0;
  // Fills `out` with the bytes from `begin` on. Throws Error unless it can read all of them.
  virtual void read(uint64_t begin, std::span<uint8_t> out) const = 0;
};

}  // namespace d2l
