#pragma once

#include <cmath>
#include <cstdint>

#include "framework/backend/params.h"
#include "framework/base/host_device.h"

// What prepare_images does to one image and to one number, for all backends.

namespace d2l::images {

D2L_HOST_DEVICE inline float scaled(uint8_t value) { return static_cast<float>(value) / 255.0f; }
D2L_HOST_DEVICE inline float normalised(uint8_t value, float mean, float deviation) {
  return (scaled(value) - mean) / deviation;
}

// Row r and column c of the window are row r + down and column c + right of the image, or of the
// zeros around it; then the window may be mirrored.
struct Placement {
  int64_t down = 0, right = 0;
  bool mirrored = false;
};

class Placements {
 public:
  explicit Placements(const ImageParams& params)
      : key_(params.key),
        padding_(params.padding),
        threshold_(static_cast<uint32_t>(std::ceil(params.flip * 16777216.0))) {}

  D2L_HOST_DEVICE Placement of(int64_t sample) const {
    const Random4 words = philox(key_, static_cast<uint64_t>(sample));
    // to_unit(word) < flip, said in whole numbers
    return {shift(words.word[0]), shift(words.word[1]), (words.word[2] >> 8) < threshold_};
  }

 private:
  // [-padding, padding], each as often
  D2L_HOST_DEVICE int64_t shift(uint32_t word) const {
    const uint64_t places = 2 * static_cast<uint64_t>(padding_) + 1;
    return static_cast<int64_t>((word * places) >> 32) - padding_;
  }

  RngKey key_;
  int64_t padding_;
  uint32_t threshold_;
};

}  // namespace d2l::images
