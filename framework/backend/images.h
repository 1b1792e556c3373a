#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "framework/backend/image_colours.h"
#include "framework/backend/params.h"
#include "framework/base/host_device.h"

// What prepare_images does to one image and to one pixel value, for all backends.

namespace d2l::images {

// The random values of one sample. Pixel (r, c) of the result is pixel (r + down, c + right) of the
// image, or zero outside it; then the result may be mirrored.
struct Variation {
  int64_t down = 0, right = 0;
  bool mirrored = false;
  float brightness = 1;  // factor; 1 if colours change in other ways too: see ColourChange
};

// Converts a byte to a number from 0 to 1.
D2L_HOST_DEVICE inline float scaled(uint8_t value, const Variation& variation) {
  return brightened(static_cast<float>(value) / 255.0f, variation.brightness);
}
D2L_HOST_DEVICE inline float normalised(float value, float mean, float deviation) {
  return (value - mean) / deviation;
}
D2L_HOST_DEVICE inline float normalised(uint8_t value, const Variation& variation, float mean,
                                        float deviation) {
  return normalised(scaled(value, variation), mean, deviation);
}

// Pixels [top, bottom) x [left, right), which become 0.
struct Erased {
  int64_t top = 0, left = 0, bottom = 0, right = 0;

  D2L_HOST_DEVICE bool contains(int64_t row, int64_t column) const {
    return row >= top && row < bottom && column >= left && column < right;
  }
};

// Uniform factors in [max(0, 1 - strength), 1 + strength].
class FactorRange {
 public:
  explicit FactorRange(double strength)
      : low_(static_cast<float>(std::max(0.0, 1 - strength))),
        range_(static_cast<float>(1 + strength) - low_) {}

  // The product is exact, so that it makes no difference whether it is fused with the sum.
  D2L_HOST_DEVICE float of(uint32_t word) const {
    return static_cast<float>(double{low_} + double{range_} * double{to_unit(word)});
  }

 private:
  float low_, range_;
};

// Draws the random values of samples.
class Variations {
 public:
  explicit Variations(const ImageParams& params)
      : key_(params.key),
        colour_key_{params.key.seed, mix(params.key.stream, stream_of("colours"))},
        erasing_key_{params.key.seed, mix(params.key.stream, stream_of("erasing"))},
        augmentation_(params.augmentation),
        mixes_values_(params.augmentation.mixes_values()),
        flip_below_(threshold(params.augmentation.flip)),
        erase_below_(threshold(params.augmentation.erasing)),
        brightness_(params.augmentation.brightness),
        contrast_(params.augmentation.contrast),
        saturation_(params.augmentation.saturation) {}

  D2L_HOST_DEVICE Variation of(int64_t sample) const {
    const Random4 words = philox(key_, static_cast<uint64_t>(sample));
    return {.down = shift(words.word[0]),
            .right = shift(words.word[1]),
            // to_unit(word) < flip in integers
            .mirrored = (words.word[2] >> 8) < flip_below_,
            .brightness = mixes_values_ ? 1.0f : brightness_.of(words.word[3])};
  }

  D2L_HOST_DEVICE ColourChange colours_of(int64_t sample) const {
    const Random4 first = philox(key_, static_cast<uint64_t>(sample));
    const Random4 words = philox(colour_key_, static_cast<uint64_t>(sample));
    ColourChange change{
        .brightness = brightness_.of(first.word[3]),
        .contrast = contrast_.of(words.word[0]),
        .saturation = saturation_.of(words.word[1]),
        .turn = static_cast<float>(6 * augmentation_.hue * (2.0 * to_unit(words.word[2]) - 1))};
    draw_order(words.word[3], change);
    return change;
  }

  // As torchvision's RandomErasing: ten tries to draw a rectangle that fits.
  D2L_HOST_DEVICE Erased erased_of(int64_t sample, int64_t height, int64_t width) const {
    const uint64_t block = static_cast<uint64_t>(sample) * 16;
    if ((philox(erasing_key_, block).word[0] >> 8) >= erase_below_) return {};
    for (uint64_t i = 1; i <= 10; ++i) {
      const Random4 words = philox(erasing_key_, block + i);
      const double part = 0.02 + (0.33 - 0.02) * double{to_unit(words.word[0])};
      const double area = part * static_cast<double>(height * width);
      // ln 0.3 to ln 3.3
      const double ratio =
          std::exp(-1.2039728043259361 +
                   (1.1939224684724346 + 1.2039728043259361) * double{to_unit(words.word[1])});
      const auto rows = static_cast<int64_t>(std::floor(std::sqrt(area * ratio) + 0.5));
      const auto columns = static_cast<int64_t>(std::floor(std::sqrt(area / ratio) + 0.5));
      if (rows >= height || columns >= width) continue;
      const int64_t top = below(words.word[2], height - rows + 1);
      const int64_t left = below(words.word[3], width - columns + 1);
      return {top, left, top + rows, left + columns};
    }
    return {};
  }

 private:
  static uint32_t threshold(double probability) {
    return static_cast<uint32_t>(std::ceil(probability * 16777216.0));
  }
  // Uniform in [0, count).
  D2L_HOST_DEVICE static int64_t below(uint32_t word, int64_t count) {
    return static_cast<int64_t>((word * static_cast<uint64_t>(count)) >> 32);
  }
  // Uniform in [-padding, padding].
  D2L_HOST_DEVICE int64_t shift(uint32_t word) const {
    return below(word, 2 * augmentation_.crop_padding + 1) - augmentation_.crop_padding;
  }
  D2L_HOST_DEVICE bool has(uint32_t step) const {
    const double strengths[] = {augmentation_.brightness, augmentation_.contrast,
                                augmentation_.saturation, augmentation_.hue};
    return strengths[step] > 0;
  }
  // Draws one of the 24 orders of all steps, then leaves out those that are off.
  D2L_HOST_DEVICE void draw_order(uint32_t word, ColourChange& change) const {
    auto number = static_cast<uint32_t>(below(word, 24));
    uint32_t left = 0b11100100;  // the steps not yet drawn, two bits each
    for (uint32_t count = kColourSteps; count > 0; --count) {
      const uint32_t at = 2 * (number % count), step = left >> at & 3;
      number /= count;
      left = (left & ((1u << at) - 1)) | (left >> (at + 2) << at);
      if (has(step)) change.order |= step << (2 * change.count++);
    }
  }

  RngKey key_, colour_key_, erasing_key_;
  Augmentation augmentation_;
  bool mixes_values_;
  uint32_t flip_below_, erase_below_;
  FactorRange brightness_, contrast_, saturation_;
};

}  // namespace d2l::images
