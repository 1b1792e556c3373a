#pragma once

#include <cstdint>
#include <vector>

#include "data/transform/filter.h"
#include "framework/base/shape.h"

namespace d2l::data {

// Resizing of byte images [height, width, channels] as Image.resize of Pillow up to version 12 does
// it (compared bit by bit with 9.5.0 to 12.3.0), which torchvision calls. Pixel centres are at half
// positions. Bilinear: enlarging mixes the two nearest pixels of a row, then of a column, with the
// edges extended; shrinking averages with a triangle filter as wide as two output pixels, so that
// no pixel is skipped. Rows are rounded to bytes before columns are mixed. Pillow 13 (compared with
// 13.0.0) mixes columns before rows if height - new height is above 0 and above 2 (width - new
// width): its results then differ by one level. All other results are equal.

// A part of an image, resized: Pillow's resize(..., box=). Owns reusable memory; one per thread.
class BoxResize {
 public:
  // Prepares results of the shape [down.to, across.to, channels]. Throws Error as AxisWeights does.
  void assign(const AxisPart& down, const AxisPart& across, int64_t channels, Filter filter);

  // The pixels that it reads: rows [first_row(), end_row()).
  int64_t first_row() const { return first_row_; }
  int64_t end_row() const { return end_row_; }

  // Row y of the image begins at image + y * row_bytes. `result` must not overlap with it.
  void apply(const uint8_t* image, int64_t row_bytes, uint8_t* result);

  // The same with other memory, so that threads can share this object.
  struct Workspace {
    std::vector<int32_t> wide;
    std::vector<uint8_t> rows;
  };
  void apply(const uint8_t* image, int64_t row_bytes, uint8_t* result, Workspace& workspace) const;

 private:
  // In units of 2^-22.
  struct Mixing {
    int64_t taps = 0;
    std::vector<int32_t> first, weights;
  };

  AxisWeights axis_;  // memory for assign()
  Mixing columns_;    // mixes rows: one element per output row; weights are [element][tap]
  Mixing rows_;       // mixes within a row: pixels times channels; weights are [tap][element]
  int64_t channels_ = 0, row_elements_ = 0;
  int64_t first_row_ = 0, end_row_ = 0;     // what it reads of the image
  int64_t first_byte_ = 0, row_bytes_ = 0;  // what it reads of a row
  Workspace workspace_;
};

// Bilinear resizing of images of one size. Thread-safe.
class Resize {
 public:
  using Workspace = BoxResize::Workspace;  // scratch memory for apply(); one per thread

  // Throws Error unless both shapes are [height, width, channels] without zeros, with equal
  // channels.
  Resize(const Shape& from, const Shape& to);

  const Shape& from() const { return from_; }
  const Shape& to() const { return to_; }

  // `image` has from().elements() bytes, `result` gets to().elements(); they must not overlap.
  void apply(const uint8_t* image, uint8_t* result, Workspace& workspace) const;

 private:
  Shape from_, to_;
  BoxResize resize_;
};

}  // namespace d2l::data
