#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/formats/image.h"
#include "data/formats/libjpeg.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {

inline Image decoded(const std::vector<uint8_t>& file, int64_t channels) {
  Image image;
  decode_image(file, channels, image);
  return image;
}

// A picture of slow changes: height x width x channels bytes.
std::vector<uint8_t> test_picture(int64_t height, int64_t width, int channels);

struct JpegRecipe {
  int64_t height = 24, width = 40;
  int components = 3;
  J_COLOR_SPACE stored = JCS_YCbCr;  // how the file stores them
  int horizontal = 2, vertical = 2;  // sampling factors of the first component
  bool progressive = false;
  bool arithmetic = false;
  bool without_adobe = false;  // no Adobe marker
  int restart_interval = 0;    // in MCUs
  int quality = 95;
};

// A JPEG file of test_picture().
std::vector<uint8_t> make_jpeg(const JpegRecipe& recipe);

// EXIF data whose only entry is the orientation.
std::vector<uint8_t> exif_data(int value, bool big_endian);
// The JPEG file with these EXIF data in an APP1 segment at its beginning.
std::vector<uint8_t> with_exif(const std::vector<uint8_t>& jpeg, const std::vector<uint8_t>& exif);

// A chunk of a PNG file with its checksum.
std::vector<uint8_t> png_chunk(const std::string& type, const std::vector<uint8_t>& content);

// A PNG file whose rows have these bytes, without the filter bytes in front.
struct PngRecipe {
  uint32_t height = 1, width = 1;
  uint8_t depth = 8, colour_type = 2;
  std::vector<uint8_t> rows = {};
  std::vector<uint8_t> before_pixels = {}, after_pixels = {};  // chunks
};
std::vector<uint8_t> make_png(const PngRecipe& recipe);

// Inserts bytes into a copy of a file.
std::vector<uint8_t> with_bytes(std::vector<uint8_t> file, size_t at,
                                const std::vector<uint8_t>& bytes);

}  // namespace d2l::data::test
