#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "framework/base/byte_source.h"
#include "framework/base/error.h"

// Reads the part of the HDF5 file format that shards and files of weights use, without the HDF5
// library, which may crash on a malicious file. Files are not trusted: every address, size and
// count is checked before use, and memory is allocated only if the file has the bytes to fill it.
namespace d2l::hdf5 {

// An error in the structure of a file. what() does not contain the location; callers add it.
class FormatError : public Error {
 public:
  using Error::Error;
};

template <class... Parts>
void require(bool ok, const Parts&... what) {
  if (!ok) [[unlikely]]
    throw FormatError(concat(what...));
}

// The same for structures that no library would write.
template <class... Parts>
void require_sound(bool ok, const Parts&... what) {
  require(ok, "the HDF5 structure is damaged (", what..., ")");
}

// Returns the result of `action`; prefixes a FormatError thrown by it with `place`.
template <class Action>
auto in_place(const std::string& place, const Action& action) {
  try {
    return action();
  } catch (const FormatError& error) {
    throw FormatError(place + error.what());
  }
}

constexpr uint64_t kNoAddress = ~uint64_t{0};

// Throws FormatError unless the version of a structure is supported: from `oldest` to `newest`.
void require_version(uint64_t found, uint64_t oldest, uint64_t newest, std::string_view structure);

// Bob Jenkins' lookup3, the checksum of HDF5's structures.
uint32_t lookup3(std::span<const uint8_t> bytes);

// Reads the fields of a structure in order; FormatError beyond its end.
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

// The versions of HDF5's structures that are accepted.
enum class Versions {
  with_checksums,  // of HDF5 1.10: all structures have checksums
  all              // also older ones without checksums, which h5py writes if not told otherwise
};

// The structures of an HDF5 file.
class Structures {
 public:
  // Reads the superblock.
  explicit Structures(const ByteSource& file, Versions versions = Versions::with_checksums);

  // Whether the file may have structures without checksums.
  bool is_old() const { return is_old_; }
  uint64_t root() const { return root_; }  // the address of the root group
  uint64_t end() const { return end_; }    // all addresses are below this

  std::vector<uint8_t> read(uint64_t address, uint64_t size) const;
  // Reads a structure of `size` bytes that begins with `signature` and ends with a checksum of all
  // bytes before it. Returns the bytes between the two.
  std::vector<uint8_t> checked(uint64_t address, uint64_t size, std::string_view signature) const;

 private:
  void read_superblock(std::span<const uint8_t> superblock);
  void read_old_superblock(std::span<const uint8_t> superblock);
  void set_end(uint64_t end);

  const ByteSource& file_;
  bool is_old_ = false;
  uint64_t root_ = 0;
  uint64_t end_ = 0;
};

}  // namespace d2l::hdf5
