#include "data/formats/orientation.h"

#include <cstring>

namespace d2l::data {

namespace {

// Reads numbers of EXIF data in its byte order.
class ExifNumbers {
 public:
  ExifNumbers(std::span<const uint8_t> bytes, bool big_endian)
      : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<uint32_t> at(uint64_t offset, size_t width) const {
    if (offset > bytes_.size() || bytes_.size() - offset < width) return std::nullopt;
    uint32_t number = 0;
    for (size_t i = 0; i < width; ++i)
      number = number << 8 | bytes_[offset + (big_endian_ ? i : width - 1 - i)];
    return number;
  }

 private:
  std::span<const uint8_t> bytes_;
  bool big_endian_;
};

template <int64_t kChannels>
void place(const Rows& rows, const Shape& stored, Orientation orientation, uint8_t* shown) {
  const int64_t height = stored[0], width = stored[1];
  // How far a step along a stored row, or to the next row, moves in the shown image.
  int64_t along = orientation.transposed ? height * kChannels : kChannels;
  int64_t down = orientation.transposed ? kChannels : width * kChannels;
  uint8_t* origin = shown;
  if (orientation.transposed ? orientation.flipped : orientation.mirrored) {
    origin += along * (width - 1);
    along = -along;
  }
  if (orientation.transposed ? orientation.mirrored : orientation.flipped) {
    origin += down * (height - 1);
    down = -down;
  }
  // The inner loop stays within one shown row.
  const int64_t outer = orientation.transposed ? width : rows.count;
  const int64_t inner = orientation.transposed ? rows.count : width;
  const int64_t outer_from = (orientation.transposed ? 1 : width) * kChannels;
  const int64_t inner_from = (orientation.transposed ? width : 1) * kChannels;
  const int64_t outer_to = orientation.transposed ? along : down;
  const int64_t inner_to = orientation.transposed ? down : along;
  for (int64_t i = 0; i < outer; ++i) {
    const uint8_t* from = rows.pixels + i * outer_from;
    uint8_t* to = origin + rows.first * down + i * outer_to;
    for (int64_t j = 0; j < inner; ++j, from += inner_from, to += inner_to)
      for (int64_t c = 0; c < kChannels; ++c) to[c] = from[c];
  }
}

}  // namespace

Orientation orientation_from(int64_t exif_value) {
  switch (exif_value) {
    case 2:
      return {.mirrored = true};
    case 3:
      return {.mirrored = true, .flipped = true};
    case 4:
      return {.flipped = true};
    case 5:
      return {.transposed = true};
    case 6:
      return {.transposed = true, .mirrored = true};
    case 7:
      return {.transposed = true, .mirrored = true, .flipped = true};
    case 8:
      return {.transposed = true, .flipped = true};
    default:
      return {};
  }
}

std::optional<Orientation> exif_orientation(std::span<const uint8_t> exif) {
  if (exif.size() < 8) return std::nullopt;
  const bool big_endian = exif[0] == 'M';
  if ((exif[0] != 'I' && !big_endian) || exif[1] != exif[0]) return std::nullopt;
  const ExifNumbers numbers(exif, big_endian);
  if (numbers.at(2, 2) != 42U) return std::nullopt;
  const uint64_t directory = *numbers.at(4, 4);
  const uint64_t entries = numbers.at(directory, 2).value_or(0);
  for (uint64_t i = 0; i < entries; ++i) {
    constexpr uint32_t kOrientation = 0x112, kShort = 3, kLong = 4;
    // An entry: the tag, the type, the number of values, the value. Two bytes each, or four.
    const uint64_t entry = directory + 2 + 12 * i;
    const auto whole = numbers.at(entry + 8, 4);
    if (!whole) return std::nullopt;
    if (*numbers.at(entry, 2) != kOrientation) continue;
    const uint32_t type = *numbers.at(entry + 2, 2);
    if (*numbers.at(entry + 4, 4) != 1) return std::nullopt;
    if (type == kShort) return orientation_from(*numbers.at(entry + 8, 2));
    if (type == kLong) return orientation_from(*whole);
    return std::nullopt;
  }
  return std::nullopt;
}

Shape shown_shape(const Shape& stored, Orientation orientation) {
  return orientation.transposed ? Shape{stored[1], stored[0], stored[2]} : stored;
}

void place_rows(const Rows& rows, const Shape& stored, Orientation orientation, uint8_t* shown) {
  const int64_t row_bytes = stored[1] * stored[2];
  if (orientation.upright()) {
    std::memcpy(shown + rows.first * row_bytes, rows.pixels,
                static_cast<size_t>(rows.count * row_bytes));
  } else if (stored[2] == 1) {
    place<1>(rows, stored, orientation, shown);
  } else {
    place<3>(rows, stored, orientation, shown);
  }
}

}  // namespace d2l::data
