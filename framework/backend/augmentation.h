#pragma once

#include <cstdint>

namespace d2l {

// Random changes of training images. The random values depend only on the seed, the epoch and the
// sample's number in the dataset. To add a kind of change, add a member here, its random values and
// its effect in images.h, and an option in launcher/options/augmentation.cpp.
struct Augmentation {
  int64_t crop_padding = 0;  // the image is cropped at a random place after padding with zeros
  double flip = 0;           // probability of mirroring left to right
  // Values in [0, 1] are multiplied by a factor that is uniform in [max(0, 1 - brightness),
  // 1 + brightness] and the same for the whole image; what exceeds 1 becomes 1 (chapter 14.1).
  double brightness = 0;

  bool augments() const { return crop_padding > 0 || flip > 0 || brightness > 0; }
  bool operator==(const Augmentation&) const = default;
};

}  // namespace d2l
