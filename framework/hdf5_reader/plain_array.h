#pragma once

#include <cstdint>
#include <vector>

#include "framework/hdf5_reader/object.h"

namespace d2l::hdf5 {

// A dataset whose elements are stored in the file itself in one piece (HDF5: contiguous), without
// filters.
struct PlainArray {
  ElementType type;
  std::vector<uint64_t> sizes;      // elements per axis
  uint64_t address = 0, bytes = 0;  // of all elements, row-major

  uint64_t elements() const { return bytes / type.bytes; }
};

enum class Rank { at_least_one, any };  // a single value has the rank 0

// Reads a dataset's description and checks that the file contains all elements. Throws FormatError
// for everything that PlainArray does not support.
PlainArray read_plain_array(const Structures& file, const Object& dataset,
                            Rank rank = Rank::at_least_one);

}  // namespace d2l::hdf5
