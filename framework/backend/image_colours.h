#pragma once

#include <cmath>
#include <cstdint>

#include "framework/base/host_device.h"

// The formulas that change the colours of a pixel, for all backends, as ColorJitter in torchvision
// defines them. Values are from 0 to 1. All backends compile them without fused multiply-adds, so
// that they agree in every bit.

namespace d2l::images {

enum class ColourStep : uint32_t { brightness, contrast, saturation, hue };
inline constexpr uint32_t kColourSteps = 4;

// The random values of one image.
struct ColourChange {
  float brightness = 1, contrast = 1, saturation = 1;  // factors
  float turn = 0;                                      // of the hue, in sixths of the circle
  uint32_t order = 0;                                  // of the steps, two bits each
  int count = 0;                                       // of the steps

  D2L_HOST_DEVICE ColourStep step(int number) const {
    return static_cast<ColourStep>(order >> (2 * number) & 3);
  }
};

D2L_HOST_DEVICE inline float limited(float value) {
  const float positive = value > 0.0f ? value : 0.0f;
  return positive < 1.0f ? positive : 1.0f;
}

D2L_HOST_DEVICE inline float brightened(float value, float factor) {
  const float bright = value * factor;
  return bright < 1.0f ? bright : 1.0f;
}

// Changes the difference from `grey`: of the pixel (saturation) or the whole image (contrast).
D2L_HOST_DEVICE inline float stretched(float value, float grey, float factor) {
  return limited(factor * value + (1.0f - factor) * grey);
}

D2L_HOST_DEVICE inline float grey_of(float red, float green, float blue) {
  return 0.2989f * red + 0.587f * green + 0.114f * blue;
}

D2L_HOST_DEVICE inline void saturate(float& red, float& green, float& blue, float factor) {
  const float grey = grey_of(red, green, blue);
  red = stretched(red, grey, factor);
  green = stretched(green, grey, factor);
  blue = stretched(blue, grey, factor);
}

// `sector`: 0 to 12 sixths of the circle.
D2L_HOST_DEVICE inline float of_hue(float sector, float most, float range) {
  const float at = sector < 6.0f ? sector : sector - 6.0f;
  const float rising = at < 4.0f - at ? at : 4.0f - at;
  return most - range * limited(rising);
}

// Moves the hue by `turn` sixths of the colour circle, -3 to 3, and keeps the largest and the
// smallest of the three values (A. R. Smith, "Color gamut transform pairs", SIGGRAPH 1978).
D2L_HOST_DEVICE inline void turn_hue(float& red, float& green, float& blue, float turn) {
  const float above = red > green ? red : green, below = red < green ? red : green;
  const float most = above > blue ? above : blue, least = below < blue ? below : blue;
  const float range = most - least;
  const bool is_red = most == red, is_green = most == green;
  const float difference = is_red ? green - blue : is_green ? blue - red : red - green;
  const float corner = is_red ? 0.0f : is_green ? 2.0f : 4.0f;
  const float turned = corner + difference / (range > 0.0f ? range : 1.0f) + turn;
  const float positive = turned < 0.0f ? turned + 6.0f : turned;
  const float hue = positive < 6.0f ? positive : positive - 6.0f;
  red = of_hue(hue + 5.0f, most, range);
  green = of_hue(hue + 3.0f, most, range);
  blue = of_hue(hue + 1.0f, most, range);
}

// The greys of an image are added as integers: their sum does not depend on the order.
D2L_HOST_DEVICE inline int32_t grey_units(float grey) {
  return static_cast<int32_t>(grey * 1048576.0f + 0.5f);
}
D2L_HOST_DEVICE inline float mean_grey(int64_t units, int64_t pixels) {
  return static_cast<float>(static_cast<double>(units) / (1048576.0 * static_cast<double>(pixels)));
}

}  // namespace d2l::images
