#pragma once

#include <cstdint>
#include <vector>

#include "framework/base/shape.h"

namespace d2l::data {

// Bilinear resizing of images of bytes [height, width, channels], to the bit as the BILINEAR of
// Image.resize in Pillow up to version 12 (compared with 9.5.0 to 12.3.0), which torchvision's
// Resize calls: pixels have their centres at half positions; enlarging mixes the two nearest pixels
// of a row, then of a column, with the edges continued; shrinking averages over a triangle as wide
// as two pixels of the result, so that nothing is skipped. Rows are rounded to bytes before columns
// are mixed. Pillow 13 (compared with 13.0.0) does columns before rows where height - new height is
// above 0 and above 2 (width - new width): there results differ by one level, all others are equal.
// Safe to use from several threads.
class Resize {
 public:
  // What apply() works in; one per thread, of any size.
  struct Workspace {
    std::vector<int32_t> wide;
    std::vector<uint8_t> rows;
  };

  // Throws Error unless both shapes are [height, width, channels] without zeros and have the same
  // channels.
  Resize(const Shape& from, const Shape& to);

  const Shape& from() const { return from_; }
  const Shape& to() const { return to_; }

  // `image` holds from().elements() bytes, `result` gets to().elements(); they do not overlap.
  void apply(const uint8_t* image, uint8_t* result, Workspace& workspace) const;

 private:
  // Result i is the sum over the taps t of weight (i, t) times what lies at begin[i] + t.
  struct Mixing {
    int64_t taps = 0;
    std::vector<int32_t> begin;
    std::vector<int32_t> weights;  // [element][tap], in units of 2^-22
  };
  static Mixing mixing(int64_t from, int64_t to);

  Shape from_, to_;
  Mixing columns_;  // of rows: one element per row of the result
  Mixing rows_;     // of elements of a row, pixels and channels in one; weights are [tap][element]
};

}  // namespace d2l::data
