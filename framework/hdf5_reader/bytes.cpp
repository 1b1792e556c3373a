#include "framework/hdf5_reader/bytes.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "framework/base/checksum.h"

namespace d2l::hdf5 {
namespace {

constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
constexpr size_t kSuperblockBytes = 48;
constexpr size_t kMostSuperblockBytes = 100;        // of the old versions
constexpr uint64_t kMostBytes = uint64_t{1} << 27;  // in a structure: index of 4 million chunks
constexpr const char* kHowToWrite = "write it in the format of HDF5 1.10 (h5py: libver='v110')";

uint64_t little_endian(std::span<const uint8_t> bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

// A little-endian word; bytes beyond the end are zeros.
uint32_t word(std::span<const uint8_t> bytes, size_t at) {
  if (at >= bytes.size()) return 0;
  return static_cast<uint32_t>(
      little_endian(bytes.subspan(at, std::min<size_t>(bytes.size() - at, 4))));
}

// Whether the last four bytes are the checksum of all before them.
bool sealed(std::span<const uint8_t> bytes) {
  return bytes.size() > 4 &&
         checksums_agree(little_endian(bytes.last(4)), lookup3(bytes.first(bytes.size() - 4)));
}

// The bytes of an address and of a length.
void require_widths(Cursor& cursor) {
  const uint64_t address = cursor.number(1), length = cursor.number(1);
  require(address == 8 && length == 8, "expected addresses of 8 bytes, found ", address,
          ", and lengths of ", length);
}

}  // namespace

void require_version(uint64_t found, uint64_t oldest, uint64_t newest, std::string_view structure) {
  require(found <= newest, structure, " has version ", found, " of HDF5's format, newer than ",
          newest, ", the newest that can be read; ", kHowToWrite);
  require(found >= oldest, structure, " has version ", found, " of HDF5's format, older than ",
          oldest, ", the oldest that can be read; ", kHowToWrite);
}

uint32_t lookup3(std::span<const uint8_t> bytes) {
  uint32_t a = 0xdeadbeef + static_cast<uint32_t>(bytes.size()), b = a, c = a;
  if (bytes.empty()) return c;
  size_t at = 0;
  auto add = [&] {
    a += word(bytes, at);
    b += word(bytes, at + 4);
    c += word(bytes, at + 8);
  };
  for (; bytes.size() - at > 12; at += 12) {
    add();
    a = (a - c) ^ std::rotl(c, 4), c += b;
    b = (b - a) ^ std::rotl(a, 6), a += c;
    c = (c - b) ^ std::rotl(b, 8), b += a;
    a = (a - c) ^ std::rotl(c, 16), c += b;
    b = (b - a) ^ std::rotl(a, 19), a += c;
    c = (c - b) ^ std::rotl(b, 4), b += a;
  }
  add();
  c = (c ^ b) - std::rotl(b, 14);
  a = (a ^ c) - std::rotl(c, 11);
  b = (b ^ a) - std::rotl(a, 25);
  c = (c ^ b) - std::rotl(b, 16);
  a = (a ^ c) - std::rotl(c, 4);
  b = (b ^ a) - std::rotl(a, 14);
  c = (c ^ b) - std::rotl(b, 24);
  return c;
}

std::span<const uint8_t> Cursor::take(size_t count) {
  require_sound(count <= rest_.size(), "a part ends too early");
  const std::span<const uint8_t> taken = rest_.first(count);
  rest_ = rest_.subspan(count);
  return taken;
}

uint64_t Cursor::number(size_t width) {
  require_sound(width >= 1 && width <= 8, "a number of ", width, " bytes");
  return little_endian(take(width));
}

void Cursor::signature(std::string_view expected) {
  const std::span<const uint8_t> found = take(expected.size());
  require_sound(std::memcmp(found.data(), expected.data(), expected.size()) == 0, "expected ",
                expected, ", found something else");
}

Structures::Structures(const ByteSource& file, Versions versions) : file_(file), end_(file.size()) {
  std::vector<uint8_t> superblock(std::min<uint64_t>(end_, kMostSuperblockBytes));
  file.read(0, superblock);
  require(superblock.size() >= kSignature.size() &&
              std::memcmp(superblock.data(), kSignature.data(), kSignature.size()) == 0,
          "expected a d2l shard (an HDF5 file), found another kind of file");
  const uint64_t version = Cursor(std::span(superblock).subspan(kSignature.size())).number(1);
  require_version(version, versions == Versions::all ? 0 : 2, 3, "the superblock");
  is_old_ = version < 2;
  if (is_old_)
    read_old_superblock(superblock);
  else
    read_superblock(std::span(superblock).first(std::min(superblock.size(), kSuperblockBytes)));
}

void Structures::read_superblock(std::span<const uint8_t> superblock) {
  require_sound(superblock.size() == kSuperblockBytes && sealed(superblock),
                "its checksum is wrong");
  Cursor cursor(superblock);
  cursor.skip(kSignature.size() + 1);
  require_widths(cursor);
  require((cursor.number(1) & 1) == 0, "the program that writes it is still running or was killed");
  require_sound(cursor.address() == 0, "addresses that do not begin at 0");
  cursor.skip(8);  // the superblock extension (free space management)
  set_end(cursor.address());
  root_ = cursor.address();
}

// Versions 0 and 1.
void Structures::read_old_superblock(std::span<const uint8_t> superblock) {
  Cursor cursor(superblock);
  cursor.skip(kSignature.size());
  const uint64_t version = cursor.number(1);
  cursor.skip(4);  // versions of other structures
  require_widths(cursor);
  // The sizes of groups' nodes, flags; in version 1 also the size of chunk indexes' nodes.
  cursor.skip(version == 0 ? 9 : 13);
  require_sound(cursor.address() == 0, "addresses that do not begin at 0");
  cursor.skip(8);  // free space
  set_end(cursor.address());
  cursor.skip(8 + 8);  // a driver, the root's name
  root_ = cursor.address();
}

void Structures::set_end(uint64_t end) {
  require(end <= end_, "expected ", end, " bytes, found ", end_, ": the file was cut off");
  end_ = end;
}

std::vector<uint8_t> Structures::read(uint64_t address, uint64_t size) const {
  require_sound(address <= end_ && size <= end_ - address, size, " bytes at ", address,
                " lie beyond the end of the file");
  require_sound(size <= kMostBytes, "a part of ", size, " bytes");
  std::vector<uint8_t> bytes(size);
  file_.read(address, bytes);
  return bytes;
}

std::vector<uint8_t> Structures::checked(uint64_t address, uint64_t size,
                                         std::string_view signature) const {
  std::vector<uint8_t> bytes = read(address, size);
  require_sound(size >= signature.size() + 4, "a part of ", size, " bytes");
  Cursor(bytes).signature(signature);
  require_sound(sealed(bytes), "a checksum is wrong at ", address);
  bytes.resize(size - 4);
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(signature.size()));
  return bytes;
}

}  // namespace d2l::hdf5
