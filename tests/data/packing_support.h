#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/formats/write_image.h"
#include "tests/data/data_support.h"

namespace d2l::data::test {

// A smooth image, a function of its shape and the seed.
inline Image smooth_image(const Shape& shape, int seed) {
  Image image{shape, std::vector<uint8_t>(static_cast<size_t>(shape.elements()))};
  size_t at = 0;
  for (int64_t y = 0; y < shape[0]; ++y)
    for (int64_t x = 0; x < shape[1]; ++x)
      for (int64_t c = 0; c < shape[2]; ++c)
        image.pixels[at++] = static_cast<uint8_t>((y * 5 + x * 3 + c * 40 + seed * 17) % 256);
  return image;
}

inline std::vector<uint8_t> jpeg_file(const Shape& shape, int seed) {
  return encode_jpeg(smooth_image(shape, seed), 90);
}
inline std::vector<uint8_t> png_file(const Shape& shape, int seed) {
  return encode_png(smooth_image(shape, seed));
}

inline void put_file(const std::filesystem::path& path, const std::vector<uint8_t>& bytes) {
  std::filesystem::create_directories(path.parent_path());
  write_bytes(path, bytes);
}

inline std::vector<uint8_t> text_bytes(const std::string& text) {
  return {text.begin(), text.end()};
}

// Class folders with JPEGs of different sizes: `counts` images of each class.
inline void put_classes(const std::filesystem::path& root, const std::vector<std::string>& classes,
                        int count, int seed = 0) {
  for (size_t label = 0; label < classes.size(); ++label)
    for (int i = 0; i < count; ++i)
      put_file(root / classes[label] / (std::to_string(i) + ".jpg"),
               jpeg_file({20 + i % 7, 30, 3}, seed + i + 100 * static_cast<int>(label)));
}

}  // namespace d2l::data::test
