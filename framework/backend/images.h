#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "framework/backend/params.h"
#include "framework/base/host_device.h"

// What prepare_images does to one image and to one pixel value, for all backends.

namespace d2l::images {

// The random values of one sample. Pixel (r, c) of the result is pixel (r + down, c + right) of the
// image, or zero outside it; then the result may be mirrored.
struct Variation {
  int64_t down = 0, right = 0;
  bool mirrored = false;
  float brightness = 1;  // factor
};

// Converts a byte to a number from 0 to 1.
D2L_HOST_DEVICE inline float scaled(uint8_t value, const Variation& variation) {
  const float bright = static_cast<float>(value) / 255.0f * variation.brightness;
  return bright < 1.0f ? bright : 1.0f;
}
D2L_HOST_DEVICE inline float normalised(uint8_t value, const Variation& variation, float mean,
                                        float deviation) {
  return (scaled(value, variation) - mean) / deviation;
}

class Variations {
 public:
  explicit Variations(const ImageParams& params)
      : key_(params.key),
        padding_(params.augmentation.crop_padding),
        flip_below_(static_cast<uint32_t>(std::ceil(params.augmentation.flip * 16777216.0))),
        darkest_(static_cast<float>(std::max(0.0, 1 - params.augmentation.brightness))),
        brightness_range_(static_cast<float>(1 + params.augmentation.brightness) - darkest_) {}

  D2L_HOST_DEVICE Variation of(int64_t sample) const {
    const Random4 words = philox(key_, static_cast<uint64_t>(sample));
    return {.down = shift(words.word[0]),
            .right = shift(words.word[1]),
            // to_unit(word) < flip in integers
            .mirrored = (words.word[2] >> 8) < flip_below_,
            .brightness = factor(words.word[3])};
  }

 private:
  // Uniform in [-padding, padding].
  D2L_HOST_DEVICE int64_t shift(uint32_t word) const {
    const uint64_t places = 2 * static_cast<uint64_t>(padding_) + 1;
    return static_cast<int64_t>((word * places) >> 32) - padding_;
  }
  // The product is exact, so that it makes no difference whether it is fused with the sum.
  D2L_HOST_DEVICE float factor(uint32_t word) const {
    return static_cast<float>(double{darkest_} + double{brightness_range_} * double{to_unit(word)});
  }

  RngKey key_;
  int64_t padding_;
  uint32_t flip_below_;
  float darkest_, brightness_range_;
};

}  // namespace d2l::images
