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

// A JPEG file made for a test.
struct JpegRecipe {
  int64_t height = 24, width = 40;
  int components = 3;
  J_COLOR_SPACE stored = JCS_YCbCr;  // how the file stores them
  int horizontal = 2, vertical = 2;  // sampling factors of the first component
  bool progressive = false;
  bool arithmetic = false;
  int restart_interval = 0;
  int quality = 90;
};

// Draws the same picture for every recipe of the same size and number of components.
std::vector<uint8_t> jpeg_picture(const JpegRecipe& recipe);
std::vector<uint8_t> make_jpeg(const JpegRecipe& recipe);

// EXIF data whose only entry is the orientation.
std::vector<uint8_t> exif_data(int value, bool big_endian);
// The JPEG file with these EXIF data in an APP1 segment at its beginning.
std::vector<uint8_t> with_exif(const std::vector<uint8_t>& jpeg, const std::vector<uint8_t>& exif);

// A chunk of a PNG file with its checksum.
std::vector<uint8_t> png_chunk(const std::string& type, const std::vector<uint8_t>& content);
// Inserts bytes into a copy of a file.
std::vector<uint8_t> with_bytes(std::vector<uint8_t> file, size_t at,
                                const std::vector<uint8_t>& bytes);

}  // namespace d2l::data::test
