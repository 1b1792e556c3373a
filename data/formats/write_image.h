#pragma once

#include <cstdint>
#include <vector>

#include "data/formats/image.h"

namespace d2l::data {

// The image as a JPEG file: baseline, 4:2:0, without metadata; one or three channels. `quality` is
// that of libjpeg, from 1 to 100. The same image always gives the same bytes.
std::vector<uint8_t> encode_jpeg(const Image& image, int quality);

// The image as a PNG file; one or three channels.
std::vector<uint8_t> encode_png(const Image& image);

}  // namespace d2l::data
