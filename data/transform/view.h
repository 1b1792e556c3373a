#pragma once

#include <cstdint>
#include <memory>

#include "data/sample.h"
#include "data/transform/filter.h"

namespace d2l::data {

// A rectangle of an image, resized.
struct ImageView {
  // The rectangle, in pixels of the image as a viewer shows it; fractions of pixels are allowed.
  double top = 0, left = 0, bottom = 0, right = 0;
  int64_t height = 0, width = 0;  // of the result
  Filter filter = Filter::bilinear;
  // true: crop, then resize. The filter reads only pixels of the rectangle.
  // false: resize, then crop. At the edges it also reads the neighbouring pixels outside.
  bool clipped = true;
  bool mirrored = false;  // left to right, at the end
};

// Reads views of samples: decodes no more of an image than necessary. Of pixels, PNG, WebP and
// unusual JPEG files, the result is bit for bit that of Pillow's crop and resize. Nearly all JPEG
// files are resized as Y, Cb and Cr and then converted to RGB, and are decoded with half, a quarter
// or an eighth of the resolution where the result needs no more: such results differ a little
// (benchmarks/README.md has the numbers). Files from index_jpeg() (jpeg_rows.h) are fastest. Owns
// reusable memory; one per thread.
class ViewReader {
 public:
  ViewReader();
  ~ViewReader();
  ViewReader(ViewReader&&) noexcept;
  ViewReader& operator=(ViewReader&&) noexcept;

  // `result` gets height x width x channels bytes; `channels` is 1 or 3. Throws Error without the
  // sample's name for images that are damaged where they are decoded, for an image that is not of
  // sample.shape, and for a view outside the image.
  void read(const Sample& sample, const ImageView& view, int64_t channels, uint8_t* result);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace d2l::data
