#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "framework/base/shape.h"

namespace d2l::data {

// How to show a stored image: first exchange rows and columns, then mirror. The eight values of the
// tag "Orientation" in EXIF (section 4.6.4 A of the EXIF 2.3 specification) are:
//   1 none                 5 transposed
//   2 mirrored             6 transposed, mirrored (turned clockwise)
//   3 mirrored, flipped    7 transposed, mirrored, flipped
//   4 flipped              8 transposed, flipped (turned counterclockwise)
struct Orientation {
  bool transposed = false;
  bool mirrored = false;  // left to right
  bool flipped = false;   // top to bottom

  bool upright() const { return !transposed && !mirrored && !flipped; }
  bool operator==(const Orientation&) const = default;
};

// The orientation for a value of the tag. Values outside [1, 8] mean none, as viewers do.
Orientation orientation_from(int64_t exif_value);

// The orientation in EXIF data, which begin like a TIFF file: "II" or "MM", 42, the offset of the
// first directory. Nothing if they are damaged or have no such tag.
std::optional<Orientation> exif_orientation(std::span<const uint8_t> exif);

// [height, width, channels] as shown, of an image stored as `stored`.
Shape shown_shape(const Shape& stored, Orientation orientation);

// `count` rows of an image, from row `first`, in the order height, width, channels.
struct Rows {
  int64_t first = 0;
  int64_t count = 0;
  const uint8_t* pixels = nullptr;
};

// Copies rows of an image stored as `stored` to their places in the image as shown.
void place_rows(const Rows& rows, const Shape& stored, Orientation orientation, uint8_t* shown);

}  // namespace d2l::data
