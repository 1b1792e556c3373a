#pragma once

#include <cstdint>

namespace d2l {

// Random changes of training images. What is drawn depends on the seed, the epoch and the sample's
// number in the data set alone. A new kind is a member here, its draw and its effect in images.h,
// and an option in launcher/options/augmentation.cpp.
struct Augmentation {
  int64_t crop_padding = 0;  // the image is cropped at a random place after padding with zeros
  double flip = 0;           // probability of mirroring left to right

  bool augments() const { return crop_padding > 0 || flip > 0; }
  bool operator==(const Augmentation&) const = default;
};

}  // namespace d2l
