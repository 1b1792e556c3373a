#pragma once

#include <cstdint>
#include <vector>

#include "framework/hdf5_reader/bytes.h"

namespace d2l::hdf5 {

// A filter that was applied to the bytes of a chunk when it was written.
struct Filter {
  enum class Kind : uint16_t { deflate = 1, shuffle = 2, fletcher32 = 3 };
  Kind kind;
  uint32_t parameter = 0;  // deflate: level; shuffle: bytes per element
};

// The most bytes that one deflated byte can expand to.
constexpr uint64_t kDeflateRatio = 1032;

// Parses a filter pipeline message. Throws FormatError for other filters than those above and for
// duplicates.
std::vector<Filter> parse_filters(std::span<const uint8_t> message);

// HDF5's own variant of Fletcher's checksum.
uint32_t fletcher32(std::span<const uint8_t> bytes);

// Undoes `filters`, from last to first, except those whose bit is set in `left_out` (lowest bit:
// first filter). Throws FormatError unless the result has `size` bytes.
std::vector<uint8_t> undo_filters(const std::vector<Filter>& filters, uint32_t left_out,
                                  std::vector<uint8_t> bytes, uint64_t size);

}  // namespace d2l::hdf5
