#pragma once

#include <cstdint>

namespace d2l {

// Random changes of training images of equal size, in the order in which they are applied; 0 turns
// a change off. The random values depend only on the seed, the epoch and the sample's number in the
// dataset. To add a change: a member here, its random values and its formula in images.h, and a
// step in data/transform/steps.cpp.
struct Augmentation {
  int64_t crop_padding = 0;  // the image is cropped at a random place after padding with zeros
  double flip = 0;           // probability of mirroring left to right

  // The changes of colours follow the definitions of ColorJitter in torchvision, on values in
  // [0, 1]; after each, values are limited to this range (chapter 14.1). Each image gets its own
  // factors and, if there are several changes, its own order of them. Factors are uniform in
  // [max(0, 1 - x), 1 + x].
  double brightness = 0;  // values are multiplied by a factor
  double contrast = 0;    // the differences from the image's mean grey are multiplied by a factor
  double saturation = 0;  // the differences from the pixel's grey are multiplied by a factor
  double hue = 0;         // at most 0.5: the hue moves by up to this part of the colour circle

  // Probability of setting a random rectangle to 0 after normalisation (Zhong et al., "Random
  // erasing data augmentation", AAAI 2020; area and aspect ratio as in torchvision).
  double erasing = 0;

  // Changes of two samples, after all others; the parameter of a beta distribution. See Kernels::
  // ImageOperands. If both are on, each pair of samples draws one of them.
  double mixup = 0;   // averages two images (Zhang et al., "mixup: Beyond empirical risk
                      // minimization", ICLR 2018)
  double cutmix = 0;  // exchanges a rectangle (Yun et al., "CutMix", ICCV 2019)

  // Whether it needs more than a factor for all values of an image.
  bool mixes_values() const { return contrast > 0 || saturation > 0 || hue > 0; }
  bool mixes_samples() const { return mixup > 0 || cutmix > 0; }
  bool needs_colour() const { return saturation > 0 || hue > 0; }  // images with three channels
  // Whether single images change.
  bool augments() const {
    return crop_padding > 0 || flip > 0 || brightness > 0 || mixes_values() || erasing > 0;
  }
  bool operator==(const Augmentation&) const = default;
};

}  // namespace d2l
