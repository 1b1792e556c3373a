#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/sample.h"

namespace d2l::data {

// Image files come from strangers: every decoder checks these limits before it allocates memory. It
// also rejects a header that states more pixels than the bytes of the file can hold.
constexpr int64_t kMostImagePixels = int64_t{1} << 27;        // about 11,585 x 11,585
constexpr int64_t kMostImageSide = 1'000'000;                 // pixels
constexpr uint64_t kMostImageBytes = uint64_t{1} << 28;       // of a file
constexpr int64_t kAlwaysPlausiblePixels = int64_t{1} << 22;  // may be in a file of any size

// What the header of an image file says.
struct ImageHeader {
  Encoding encoding = Encoding::jpeg;
  Shape shape;  // height, width, channels (1: grey, 3: colour) as a viewer shows the image
};

// Pixels in the order height, width, channels.
struct Image {
  Shape shape;
  std::vector<uint8_t> pixels;
};

// The encoding that the first bytes of a file show; nothing if it is none of the known formats.
std::optional<Encoding> encoding_of(std::span<const uint8_t> file);

// Reads no pixels. Throws Error without the file's name: what was expected and what was found.
ImageHeader read_image_header(std::span<const uint8_t> file);

// Decodes a whole file as a viewer shows it: the orientation of EXIF is applied, palettes, CMYK and
// 16 bits become 8 bits of grey or RGB, transparent pixels are shown on white. Gamma and colour
// profiles are ignored, as by Pillow and torchvision. `channels` is 1 (grey: ITU-R 601 luma, as in
// Pillow) or 3. `image` gets its memory reused. Throws Error, without the file's name, for
// truncated files and for damage that the format can show: wrong checksums of PNG, impossible codes
// (libjpeg.h has the rule for JPEG, which has no checksums). Thread-safe.
void decode_image(std::span<const uint8_t> file, int64_t channels, Image& image);

}  // namespace d2l::data
