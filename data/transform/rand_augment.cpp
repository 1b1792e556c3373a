#include "data/transform/rand_augment.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

using Table = std::array<uint8_t, 256>;
using Histogram = std::array<int64_t, 256>;

uint8_t limited(int64_t value) { return static_cast<uint8_t>(std::clamp<int64_t>(value, 0, 255)); }

// The bytes of an image, which the operations change.
struct Bytes {
  uint8_t* at;
  int64_t height, width, channels;

  int64_t row() const { return width * channels; }
  int64_t count() const { return height * row(); }
  std::vector<uint8_t> copy() const { return {at, at + count()}; }
};

// As Pillow's Image.blend: what lies between two values, or beyond the second one.
uint8_t blended(uint8_t from, uint8_t to, float factor) {
  const float value = static_cast<float>(from) + factor * static_cast<float>(int{to} - int{from});
  return value <= 0 ? 0 : value >= 255 ? 255 : static_cast<uint8_t>(value);
}

template <class Function>
Table table_of(const Function& function) {
  Table table;
  for (int i = 0; i < 256; ++i) table[static_cast<size_t>(i)] = function(i);
  return table;
}

void map_bytes(const Bytes& image, int64_t channel, const Table& table) {
  for (int64_t i = channel; i < image.count(); i += image.channels)
    image.at[i] = table[image.at[i]];
}

void map_bytes(const Bytes& image, const Table& table) {
  for (int64_t i = 0; i < image.count(); ++i) image.at[i] = table[image.at[i]];
}

// ITU-R 601 luma, as Pillow computes it.
uint8_t grey_of(const uint8_t* pixel, int64_t channels) {
  if (channels == 1) return pixel[0];
  const uint32_t sum = pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u;
  return static_cast<uint8_t>((sum + 0x8000) >> 16);
}

// Pixel (x, y) of the result is the pixel of the image that contains the point
// (a x + b y + c, d x + e y + f); the centre of pixel (0, 0) is (0.5, 0.5).
struct Affine {
  double a = 1, b = 0, c = 0, d = 0, e = 1, f = 0;
};

// With Pillow's 16 bits of fraction.
void transform(const Bytes& image, const Affine& to) {
  const auto fixed = [](double value) {
    return static_cast<int64_t>(std::floor(value * 65536 + 0.5));
  };
  const std::vector<uint8_t> from = image.copy();
  const int64_t a = fixed(to.a), b = fixed(to.b), d = fixed(to.d), e = fixed(to.e);
  const int64_t first_x = fixed(to.c + to.a * 0.5 + to.b * 0.5);
  const int64_t first_y = fixed(to.f + to.d * 0.5 + to.e * 0.5);
  for (int64_t row = 0; row < image.height; ++row)
    for (int64_t column = 0; column < image.width; ++column) {
      const int64_t x = (first_x + row * b + column * a) >> 16;
      const int64_t y = (first_y + row * e + column * d) >> 16;
      const bool inside = x >= 0 && x < image.width && y >= 0 && y < image.height;
      uint8_t* pixel = image.at + row * image.row() + column * image.channels;
      const uint8_t* source = from.data() + y * image.row() + x * image.channels;
      for (int64_t i = 0; i < image.channels; ++i) pixel[i] = inside ? source[i] : uint8_t{0};
    }
}

Affine rotation(const Bytes& image, double degrees) {
  const double angle = -degrees * std::numbers::pi / 180;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double x = static_cast<double>(image.width) / 2, y = static_cast<double>(image.height) / 2;
  return {cosine, sine, x - cosine * x - sine * y, -sine, cosine, y + sine * x - cosine * y};
}

void change_colour(const Bytes& image, float factor) {
  if (image.channels == 1) return;
  for (uint8_t* pixel = image.at; pixel < image.at + image.count(); pixel += image.channels) {
    const uint8_t grey = grey_of(pixel, image.channels);
    for (int64_t i = 0; i < image.channels; ++i) pixel[i] = blended(grey, pixel[i], factor);
  }
}

void change_contrast(const Bytes& image, float factor) {
  int64_t sum = 0;
  for (int64_t i = 0; i < image.count(); i += image.channels)
    sum += grey_of(image.at + i, image.channels);
  const int64_t pixels = image.height * image.width;
  const auto mean = static_cast<uint8_t>((2 * sum + pixels) / (2 * pixels));
  map_bytes(image, table_of([&](int value) {
              return blended(mean, static_cast<uint8_t>(value), factor);
            }));
}

// Blends with a smoothed image; the pixels at the edges stay.
void sharpen(const Bytes& image, float factor) {
  const std::vector<uint8_t> from = image.copy();
  const int64_t row = image.row(), step = image.channels;
  for (int64_t y = 1; y + 1 < image.height; ++y)
    for (int64_t i = y * row + step; i < (y + 1) * row - step; ++i) {
      const uint8_t* at = from.data() + i;
      int sum = 4 * at[0];
      for (const uint8_t* line : {at - row, at, at + row})
        sum += line[-step] + line[0] + line[step];
      const auto smooth = static_cast<uint8_t>((2 * sum + 13) / 26);
      image.at[i] = blended(smooth, at[0], factor);
    }
}

Histogram histogram_of(const Bytes& image, int64_t channel) {
  Histogram histogram{};
  for (int64_t i = channel; i < image.count(); i += image.channels) ++histogram[image.at[i]];
  return histogram;
}

// Stretches the values of each channel to [0, 255].
void stretch_contrast(const Bytes& image) {
  for (int64_t channel = 0; channel < image.channels; ++channel) {
    const Histogram histogram = histogram_of(image, channel);
    int low = 0, high = 255;
    while (low < 255 && histogram[static_cast<size_t>(low)] == 0) ++low;
    while (high > 0 && histogram[static_cast<size_t>(high)] == 0) --high;
    if (high <= low) continue;
    const double scale = 255.0 / (high - low), offset = -low * scale;
    map_bytes(image, channel, table_of([&](int value) {
                return limited(static_cast<int64_t>(value * scale + offset));
              }));
  }
}

// Makes all values of each channel about equally frequent.
void equalize(const Bytes& image) {
  for (int64_t channel = 0; channel < image.channels; ++channel) {
    const Histogram histogram = histogram_of(image, channel);
    const auto last =
        std::find_if(histogram.rbegin(), histogram.rend(), [](int64_t n) { return n > 0; });
    const int64_t step = (image.height * image.width - *last) / 255;
    if (step == 0) continue;
    int64_t below = step / 2;
    map_bytes(image, channel, table_of([&](int value) {
                const uint8_t result = limited(below / step);
                below += histogram[static_cast<size_t>(value)];
                return result;
              }));
  }
}

void posterize(const Bytes& image, int64_t bits) {
  const auto kept = static_cast<uint8_t>(0xFF << (8 - bits));
  map_bytes(image, table_of([&](int value) { return static_cast<uint8_t>(value & kept); }));
}

void solarize(const Bytes& image, double from) {
  map_bytes(image, table_of([&](int value) {
              return static_cast<uint8_t>(value < from ? value : 255 - value);
            }));
}

}  // namespace

void apply(RandOperation operation, int64_t magnitude, bool negative, uint8_t* pixels,
           const Shape& shape) {
  const Bytes image{pixels, shape[0], shape[1], shape[2]};
  check(image.channels == 1 || image.channels == 3,
        "rand-augment expects images with 1 or 3 channels, found ", image.channels);
  const double part = static_cast<double>(magnitude) / (kMagnitudes - 1);
  const double signed_part = negative ? -part : part;
  const auto factor = static_cast<float>(1 + 0.9 * signed_part);
  // torchvision's part of the side: 150 of 331 pixels
  const auto shift = [&](int64_t side) {
    return std::trunc(signed_part * 150.0 / 331.0 * static_cast<double>(side));
  };
  switch (operation) {
    case RandOperation::identity:
      return;
    case RandOperation::shear_x:
      return transform(image, {.b = 0.3 * signed_part});
    case RandOperation::shear_y:
      return transform(image, {.d = 0.3 * signed_part});
    case RandOperation::translate_x:
      return transform(image, {.c = -shift(image.width)});
    case RandOperation::translate_y:
      return transform(image, {.f = -shift(image.height)});
    case RandOperation::rotate:
      return transform(image, rotation(image, 30 * signed_part));
    case RandOperation::brightness:
      return map_bytes(image, table_of([&](int value) {
                         return blended(0, static_cast<uint8_t>(value), factor);
                       }));
    case RandOperation::colour:
      return change_colour(image, factor);
    case RandOperation::contrast:
      return change_contrast(image, factor);
    case RandOperation::sharpness:
      return sharpen(image, factor);
    case RandOperation::posterize:
      return posterize(image, 8 - std::lrint(4 * part));
    case RandOperation::solarize:
      return solarize(image, 255 - 255 * part);
    case RandOperation::autocontrast:
      return stretch_contrast(image);
    case RandOperation::equalize:
      return equalize(image);
  }
}

}  // namespace d2l::data
