#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/formats/jpeg_baseline.h"
#include "data/formats/jpeg_huffman.h"

namespace d2l::data {

// Whole pixels: rows [top, bottom) and columns [left, right).
struct PixelArea {
  int64_t top = 0, left = 0, bottom = 0, right = 0;
};

// A part of a colour component. Its samples are stored column by column.
struct ColourPlane {
  static constexpr size_t kSlack = 64;  // more bytes that may be read after the samples

  int64_t top = 0, left = 0;                // of the part, in samples
  int64_t height = 0, width = 0;            // of the part
  int64_t full_height = 0, full_width = 0;  // of the component
  int64_t stride = 0;                       // from a column to the next
  std::vector<uint8_t> samples;             // (x, y) is at (x - left) * stride + y - top

  const uint8_t* column(int64_t x) const { return samples.data() + (x - left) * stride - top; }
};

// Decodes a part of a baseline JPEG file into its colour components as they are stored: chroma may
// have fewer samples than there are pixels. Sample i of a component with half the resolution covers
// the pixels 2 i and 2 i + 1. The values are at most one level from those of libjpeg-turbo.
// Restart markers let it skip what precedes the part and what is beside it; without them it only
// leaves out what follows. Owns reusable memory; one per thread.
class PlaneDecoder {
 public:
  // How to decode a component: not at all, or with averages of squares of 2^shift x 2^shift
  // samples in place of single ones.
  struct Request {
    bool wanted = true;
    int shift = 0;  // 0 to 3
  };

  PlaneDecoder();
  ~PlaneDecoder();
  PlaneDecoder(PlaneDecoder&&) noexcept;
  PlaneDecoder& operator=(PlaneDecoder&&) noexcept;

  // `jpeg` is the header of `file`; `area` is inside the image. False if anything about the
  // entropy-coded data is unusual or damaged, as far as they were read: a full decoder has to judge
  // such a file.
  bool decode(const BaselineJpeg& jpeg, std::span<const uint8_t> file, const PixelArea& area,
              const std::array<Request, 3>& requests);

  // After decode() has returned true: a component that was wanted.
  const ColourPlane& plane(size_t component) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace d2l::data
