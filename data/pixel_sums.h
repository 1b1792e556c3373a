#pragma once

#include <cstdint>
#include <vector>

#include "framework/base/shape.h"

namespace d2l::data {

// Exact sums over the pixels of images, from which mean and deviation follow. Adding is
// associative: the result does not depend on the order of images.
struct PixelSums {
  // The most pixels for which the sums cannot overflow.
  static constexpr uint64_t kMostPixels = uint64_t{1} << 47;

  uint64_t pixels = 0;
  std::vector<uint64_t> values{}, squares{};  // per channel, of byte values

  // Both throw Error for another number of channels than before and for too many pixels.
  void add(const PixelSums& other);
  void add(const uint8_t* image, const Shape& shape);  // height x width x channels bytes

  // Of the pixel values scaled to [0, 1], per channel. Equal sums give equal bits.
  std::vector<double> mean() const;
  std::vector<double> deviation() const;  // of the population
};

}  // namespace d2l::data
