#pragma once

#include <cstdint>
#include <span>

#include "framework/hdf5_reader/plain_array.h"

namespace d2l::hdf5 {

// Reads all elements of a plain array that has their checksum as its attribute `checksum`. `into`
// has array.bytes. Throws FormatError if the checksum is another one.
struct CheckedArray {
  const Object& dataset;
  const PlainArray& array;
};
void read_checked(const ByteSource& file, const Structures& structures, const CheckedArray& checked,
                  std::span<uint8_t> into);

}  // namespace d2l::hdf5
