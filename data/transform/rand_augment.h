#pragma once

#include <cstdint>

#include "framework/base/shape.h"

namespace d2l::data {

// The operations of RandAugment (Cubuk, Zoph, Shlens, Le, "RandAugment: practical automated data
// augmentation with a reduced search space", NeurIPS 2020), with the ranges of torchvision's
// RandAugment and the arithmetic of Pillow. Pixels that come from outside the image are black.
enum class RandOperation {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  colour,
  contrast,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize,
};

inline constexpr int64_t kRandOperationCount = 14;
inline constexpr int64_t kMagnitudes = 31;      // from 0 to 30
inline constexpr int64_t kMostOperations = 16;  // on one image

// Changes the image in place. `shape`: height, width, channels, which are 1 or 3. `negative`: the
// other direction, for operations that have one. Thread-safe.
void apply(RandOperation operation, int64_t magnitude, bool negative, uint8_t* pixels,
           const Shape& shape);

}  // namespace d2l::data
