#pragma once

#include <cstdint>
#include <vector>

#include "data/hdf5/bytes.h"

namespace d2l::data::hdf5 {

// What the bytes of a chunk went through on their way into the file.
struct Filter {
  enum class Kind : uint16_t { deflate = 1, shuffle = 2, fletcher32 = 3 };
  Kind kind;
  uint32_t parameter = 0;  // deflate: the level; shuffle: bytes of an element
};

// The most bytes that come out of one that was deflated.
constexpr uint64_t kDeflateRatio = 1032;

// A filter pipeline message. FormatError for filters other than those above, and for one twice.
std::vector<Filter> parse_filters(std::span<const uint8_t> message);

// HDF5's own variant of Fletcher's checksum.
uint32_t fletcher32(std::span<const uint8_t> bytes);

// Undoes `filters`, last one first, all but those whose bit is set in `left_out`, the bit of the
// first being the lowest. The outcome has `size` bytes, or FormatError is thrown.
std::vector<uint8_t> undo_filters(const std::vector<Filter>& filters, uint32_t left_out,
                                  std::vector<uint8_t> bytes, uint64_t size);

}  // namespace d2l::data::hdf5
