#pragma once

#include <cstdint>
#include <vector>

#include "data/formats/image.h"
#include "data/formats/orientation.h"

namespace d2l::data {

// Throws Error unless an image of `format` may have this size (see the limits in image.h).
// `most_pixels_per_byte` is what the compression of the format can reach; small images are not held
// to it.
void check_image_size(const char* format, int64_t height, int64_t width, size_t file_bytes,
                      int64_t most_pixels_per_byte);

// Converts pixels of 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha) channels into pixels of
// 1 or 3 channels, shown on white.
void convert_pixels(const uint8_t* from, int64_t from_channels, uint8_t* to, int64_t to_channels,
                    int64_t pixels);

// Takes the rows that a decoder produces, in order, and builds the image as a viewer shows it.
class ImageRows {
 public:
  static constexpr int64_t kStrip = 16;  // rows

  // The decoder produces height x width x channels as `stored` says. Sets the shape of `image`,
  // which gets `channels` channels (1 or 3), and allocates all memory. The size has been checked.
  ImageRows(const Shape& stored, Orientation orientation, int64_t channels, Image& image);

  // Memory for up to kStrip rows from row `first`: of the image itself if nothing has to change. If
  // whole() is true, it has room for all rows of the image.
  uint8_t* memory(int64_t first);
  bool whole() const { return !converts_ && orientation_.upright(); }
  // `count` rows from row `first` are in memory(first).
  void finish(int64_t first, int64_t count);
  // Any number of rows in other memory.
  void place(const Rows& rows);

 private:
  int64_t row_bytes() const { return stored_[1] * stored_[2]; }

  Shape stored_;
  Orientation orientation_;
  int64_t channels_;
  bool converts_;
  uint8_t* shown_;
  std::vector<uint8_t> strip_;
  std::vector<uint8_t> converted_;
};

}  // namespace d2l::data
