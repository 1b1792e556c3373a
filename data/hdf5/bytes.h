#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/input_file.h"
#include "framework/base/error.h"

// Reads the part of the HDF5 file format that shards use, without the HDF5 library: that one may
// crash on a file that was made to hurt it. Files are not trusted: every address, size and count is
// checked before it is used, and memory is asked for only where the file has the bytes to fill it.
namespace d2l::data::hdf5 {

// What is wrong with the structure of a file. what() leaves out where; who knows adds it.
class FormatError : public Error {
 public:
  using Error::Error;
};

template <class... Parts>
void require(bool ok, const Parts&... what) {
  if (!ok) [[unlikely]]
    throw FormatError(concat(what...));
}

// The same about what no library would write.
template <class... Parts>
void require_sound(bool ok, const Parts&... what) {
  require(ok, "the HDF5 structure is damaged (", what..., ")");
}

// What `action` answers; a FormatError that leaves it gets `place` in front.
template <class Action>
auto in_place(const std::string& place, const Action& action) {
  try {
    return action();
  } catch (const FormatError& error) {
    throw FormatError(place + error.what());
  }
}

constexpr uint64_t kNoAddress = ~uint64_t{0};

// That a structure has a version from `oldest` to `newest`, which are the known ones.
void require_version(uint64_t found, uint64_t oldest, uint64_t newest, std::string_view structure);

// Bob Jenkins' lookup3, the checksum of HDF5's structures.
uint32_t lookup3(std::span<const uint8_t> bytes);

// Takes what a structure holds out of it, front to back; FormatError beyond its end.
class Cursor {
 public:
  explicit Cursor(std::span<const uint8_t> bytes) : rest_(bytes) {}

  size_t left() const { return rest_.size(); }
  std::span<const uint8_t> take(size_t count);
  void skip(size_t count) { take(count); }
  uint64_t number(size_t width);  // little-endian, of 1 to 8 bytes
  uint64_t address() { return number(8); }
  void signature(std::string_view expected);

 private:
  std::span<const uint8_t> rest_;
};

// The structures of an HDF5 file.
class Structures {
 public:
  // Reads the superblock.
  explicit Structures(const InputFile& file);

  uint64_t root() const { return root_; }  // the address of the root group
  uint64_t end() const { return end_; }    // nothing lies at or beyond this address

  std::vector<uint8_t> read(uint64_t address, uint64_t size) const;
  // A structure of `size` bytes that begins with `signature` and ends with a checksum of all
  // before it: what lies between the two.
  std::vector<uint8_t> checked(uint64_t address, uint64_t size, std::string_view signature) const;

 private:
  const InputFile& file_;
  uint64_t root_ = 0;
  uint64_t end_ = 0;
};

}  // namespace d2l::data::hdf5
