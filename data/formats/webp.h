#pragma once

#include <cstdint>
#include <span>

#include "data/formats/image.h"

namespace d2l::data {

// ImageHeader and decode_image() for WebP: lossy and lossless still images. An animated WebP is an
// error. The orientation is read from the chunk EXIF.
ImageHeader read_webp_image_header(std::span<const uint8_t> file);
void decode_webp(std::span<const uint8_t> file, int64_t channels, Image& image);

}  // namespace d2l::data
