#include "data/formats/image_rows.h"

#include <algorithm>

#include "framework/base/error.h"
#include "framework/base/text.h"

namespace d2l::data {

namespace {

uint8_t luma(uint32_t red, uint32_t green, uint32_t blue) {
  return static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16);
}

uint8_t on_white(uint32_t value, uint32_t alpha) {
  return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

template <int kFrom, int kTo>
void convert(const uint8_t* from, uint8_t* to, int64_t pixels) {
  constexpr bool kColour = kFrom >= 3;
  for (int64_t i = 0; i < pixels; ++i, from += kFrom, to += kTo) {
    uint8_t red = from[0], green = kColour ? from[1] : red, blue = kColour ? from[2] : red;
    if constexpr (kFrom % 2 == 0) {
      const uint8_t alpha = from[kFrom - 1];
      red = on_white(red, alpha);
      green = on_white(green, alpha);
      blue = on_white(blue, alpha);
    }
    if constexpr (kTo == 3) {
      to[0] = red;
      to[1] = green;
      to[2] = blue;
    } else {
      to[0] = kColour ? luma(red, green, blue) : red;
    }
  }
}

}  // namespace

void check_image_size(const char* format, int64_t height, int64_t width, size_t file_bytes,
                      int64_t most_pixels_per_byte) {
  const auto bytes = static_cast<int64_t>(file_bytes);
  const bool empty = height <= 0 || width <= 0;
  const bool large = height > kMostImageSide || width > kMostImageSide ||
                     (!empty && height > kMostImagePixels / width);
  if (!empty && !large &&
      (height * width <= kAlwaysPlausiblePixels || height * width / bytes <= most_pixels_per_byte))
    return;
  const std::string says = concat("the ", format, " header says ", with_thousands(width), " x ",
                                  with_thousands(height), " pixels (width x height)");
  check(!empty, says);
  check(!large, says, "; the most supported are ", with_thousands(kMostImageSide),
        " on a side and ", with_thousands(kMostImagePixels), " in total");
  fail(says, ", which ", with_thousands(bytes), " bytes cannot hold");
}

void convert_pixels(const uint8_t* from, int64_t from_channels, uint8_t* to, int64_t to_channels,
                    int64_t pixels) {
  switch (from_channels * 10 + to_channels) {
    case 13:
      return convert<1, 3>(from, to, pixels);
    case 21:
      return convert<2, 1>(from, to, pixels);
    case 23:
      return convert<2, 3>(from, to, pixels);
    case 31:
      return convert<3, 1>(from, to, pixels);
    case 41:
      return convert<4, 1>(from, to, pixels);
    case 43:
      return convert<4, 3>(from, to, pixels);
    default:
      fail("no conversion from ", from_channels, " to ", to_channels, " channels");
  }
}

ImageRows::ImageRows(const Shape& stored, Orientation orientation, int64_t channels, Image& image)
    : stored_(stored),
      orientation_(orientation),
      channels_(channels),
      converts_(stored[2] != channels) {
  image.shape = shown_shape({stored[0], stored[1], channels}, orientation);
  image.pixels.resize(static_cast<size_t>(image.shape.elements()));
  shown_ = image.pixels.data();
  if (!whole()) strip_.resize(static_cast<size_t>(kStrip * row_bytes()));
  if (converts_ && !orientation.upright())
    converted_.resize(static_cast<size_t>(kStrip * stored[1] * channels));
}

uint8_t* ImageRows::memory(int64_t first) {
  return whole() ? shown_ + first * row_bytes() : strip_.data();
}

void ImageRows::finish(int64_t first, int64_t count) {
  if (!whole()) place({first, count, strip_.data()});
}

void ImageRows::place(const Rows& rows) {
  const Shape result{stored_[0], stored_[1], channels_};
  if (!converts_) {
    place_rows(rows, result, orientation_, shown_);
  } else if (orientation_.upright()) {
    convert_pixels(rows.pixels, stored_[2], shown_ + rows.first * stored_[1] * channels_, channels_,
                   rows.count * stored_[1]);
  } else {
    for (int64_t row = 0; row < rows.count; row += kStrip) {
      const int64_t count = std::min(kStrip, rows.count - row);
      convert_pixels(rows.pixels + row * row_bytes(), stored_[2], converted_.data(), channels_,
                     count * stored_[1]);
      place_rows({rows.first + row, count, converted_.data()}, result, orientation_, shown_);
    }
  }
}

}  // namespace d2l::data
