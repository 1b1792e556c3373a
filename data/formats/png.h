#pragma once

#include <cstdint>
#include <span>

#include "data/formats/image.h"

namespace d2l::data {

// ImageHeader and decode_image() for PNG: all colour types and depths, interlaced or not. 16 bits
// are rounded to 8. An animated PNG shows its default image. Every wrong checksum (CRC) is an
// error. Chunks that do not change the pixels are skipped without being decompressed or stored.
// This includes gamma (gAMA) and colour profiles (iCCP), which Pillow and torchvision ignore too;
// the orientation is read from eXIf.
ImageHeader read_png_image_header(std::span<const uint8_t> file);
void decode_png(std::span<const uint8_t> file, int64_t channels, Image& image);

}  // namespace d2l::data
