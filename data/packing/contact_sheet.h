#pragma once

#include <string>
#include <vector>

#include "data/formats/image.h"
#include "data/sample.h"

namespace d2l::data {

// A picture with its caption.
struct SheetPicture {
  Image image;  // 1 or 3 channels
  std::string caption;
};

// The image of a sample, with 1 or 3 channels: its own if it is stored as pixels. Throws what
// decode_image() throws.
Image image_of(const Sample& sample, int64_t channels);

// One image with all pictures in rows, and their captions below them. Pictures are scaled down to
// at most `side` pixels per side; small ones are enlarged by a whole factor.
Image contact_sheet(const std::vector<SheetPicture>& pictures, int64_t side);

}  // namespace d2l::data
