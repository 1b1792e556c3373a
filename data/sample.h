#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "framework/base/shape.h"

namespace d2l::data {

// How the input of a sample is stored. The numbers are part of the shard format.
enum class Encoding : uint8_t {
  pixels = 0,  // height x width x channels bytes, in this order
  jpeg = 1,    // the others are the bytes of an image file
  png = 2,
  webp = 3,
  values = 4,  // the f32 numbers of a table's row; not in shards
};

std::string to_string(Encoding encoding);  // "pixels", "jpeg", ...

// One image or one row of a table with its target, as a dataset stores it.
struct Sample {
  Encoding encoding = Encoding::pixels;
  std::span<const uint8_t> bytes;
  Shape shape;  // height, width, channels of the image as a viewer shows it; values of the row
  int64_t label = 0;
  float target = 0;  // instead of the label if the dataset's targets are numbers
  // What is wrong with the stored bytes, with the sample's place; empty if nothing. The other
  // members of a damaged sample mean nothing.
  std::string damage{};
};

}  // namespace d2l::data
