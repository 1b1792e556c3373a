#pragma once

#include "tests/data/image_support.h"

namespace d2l::data::test {

// A WebP file of 3 (RGB) or 4 (RGB, alpha) channels.
std::vector<uint8_t> make_webp(const std::vector<uint8_t>& pixels, int height, int width,
                               int channels, bool lossless);
// A lossless one of RGB pixels with a chunk of EXIF data.
std::vector<uint8_t> webp_with_exif(const std::vector<uint8_t>& pixels, int height, int width,
                                    const std::vector<uint8_t>& exif);
std::vector<uint8_t> animated_webp();

}  // namespace d2l::data::test
