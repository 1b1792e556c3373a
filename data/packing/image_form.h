#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/formats/image.h"
#include "data/packing/source.h"
#include "data/pixel_sums.h"
#include "data/transform/resize.h"

namespace d2l::data {

// In which form images are stored.
struct ImageForm {
  // --resize: 0: as they are; `shorter`: of the shorter side, the other one in proportion;
  // `height` and `width`: of both sides, without regard to proportions.
  int64_t shorter = 0, height = 0, width = 0;
  // As pixels. Otherwise as the source's own bytes; an image that is resized is stored as JPEG of
  // quality 95 if it came from an image file, and as pixels if it came as pixels.
  bool as_pixels = false;
  // Rewrites JPEG files without loss, so that parts of them are decoded fast (index_jpeg). Files
  // for which this is not possible stay as they are.
  bool index_rows = false;
  int64_t channels = 3;  // of the dataset: 1 or 3; for sources of pixels also their own number

  // "256" or "32x64"; throws UsageError.
  void set_resize(const std::string& text);
  // The height and width that an image of this height and width gets.
  Shape size_of(int64_t height, int64_t width) const;
};

// The quality of images that are stored as JPEG after resizing.
constexpr int kJpegQuality = 95;

// An image in the form in which it is stored.
struct PreparedImage {
  Encoding encoding = Encoding::pixels;
  Shape shape;  // as a viewer shows it; its own channels, which may be 1 in a dataset of 3
  std::vector<uint8_t> bytes;
  PixelSums sums;  // of the pixels in the dataset's channels, as a reader gets them
};

// Decodes images, which finds broken ones, and brings them into their form. Owns reusable memory;
// one per thread.
class ImagePreparer {
 public:
  explicit ImagePreparer(const ImageForm& form) : form_(form) {}

  // `bytes` is moved to the result if the image is stored as it is. `shape`: of pixels. Throws
  // Error without the image's name for a broken image.
  PreparedImage prepare(Encoding encoding, const Shape& shape, std::vector<uint8_t>&& bytes);

 private:
  void resize_image(const Shape& to);

  ImageForm form_;
  Image image_, resized_;
  Resize::Workspace workspace_;
};

}  // namespace d2l::data
