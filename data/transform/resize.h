#pragma once

#include <cstdint>
#include <vector>

#include "framework/base/shape.h"

namespace d2l::data {

// Bilinear resizing of byte images [height, width, channels], bit-identical to BILINEAR of
// Image.resize in Pillow up to version 12 (compared with 9.5.0 to 12.3.0), which torchvision's
// Resize calls. Pixel centres are at half positions. Enlarging mixes the two nearest pixels of a
// row, then of a column, with the edges extended; shrinking averages with a triangle filter as wide
// as two output pixels, so that no pixel is skipped. Rows are rounded to bytes before columns are
// mixed. Pillow 13 (compared with 13.0.0) mixes columns before rows if height - new height is above
// 0 and above 2 (width - new width): its results then differ by one level. All other results are
// equal. Thread-safe.
class Resize {
 public:
  // Scratch memory for apply(); one per thread, of any size.
  struct Workspace {
    std::vector<int32_t> wide;
    std::vector<uint8_t> rows;
  };

  // Throws Error unless both shapes are [height, width, channels] without zeros, with equal
  // channels.
  Resize(const Shape& from, const Shape& to);

  const Shape& from() const { return from_; }
  const Shape& to() const { return to_; }

  // `image` has from().elements() bytes, `result` gets to().elements(); they must not overlap.
  void apply(const uint8_t* image, uint8_t* result, Workspace& workspace) const;

 private:
  // Result i is the sum over the taps t of weight (i, t) times the input at begin[i] + t.
  struct Mixing {
    int64_t taps = 0;
    std::vector<int32_t> begin;
    std::vector<int32_t> weights;  // [element][tap], in units of 2^-22
  };
  static Mixing mixing(int64_t from, int64_t to);

  Shape from_, to_;
  Mixing columns_;  // mixes rows: one element per output row
  Mixing rows_;     // mixes within a row: pixels times channels; weights are [tap][element]
};

}  // namespace d2l::data
