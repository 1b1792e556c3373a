#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "framework/weights/weight_file.h"

namespace d2l::weights {

// The header of an array in NumPy's format.
struct NumpyHeader {
  ElementType type = ElementType::f32;
  bool big_endian = false;
  bool fortran_order = false;  // the first axis varies fastest
  Shape shape;
};

constexpr uint64_t kNumpyStart = 12;  // bytes that numpy_header_bytes() needs

// Where the elements begin, in bytes. `start` is the beginning of the array: kNumpyStart bytes or
// more, or all bytes if there are fewer. Throws Error, whose message begins with `place`.
uint64_t numpy_header_bytes(std::span<const uint8_t> start, const std::string& place);

// `header` is what numpy_header_bytes() counts. Throws Error, whose message begins with `place`,
// for types of elements that have no ElementType, and for everything that NumPy does not write.
NumpyHeader parse_numpy_header(std::span<const uint8_t> header, const std::string& place);

}  // namespace d2l::weights
