#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/formats/orientation.h"

namespace d2l::data {

struct JpegComponent {
  int horizontal = 1, vertical = 1;      // sampling factors
  int quantisation = 0, dc = 0, ac = 0;  // numbers of its tables
};

// The header of a JPEG file in the form that nearly all have (ITU-T T.81, annexes B and F):
// baseline or extended sequential, Huffman codes, 8 bits, grey or YCbCr, one scan of all
// components.
struct BaselineJpeg {
  int64_t height = 0, width = 0;  // as stored, before the orientation is applied
  Orientation orientation;        // from EXIF
  std::vector<JpegComponent> components;
  int most_horizontal = 1, most_vertical = 1;              // largest sampling factors
  std::array<std::array<uint16_t, 64>, 4> quantisation{};  // in the order of the file
  // 16 counts of codes by length, then the symbols; empty if absent. They lie in the file.
  std::array<std::span<const uint8_t>, 4> dc_codes{}, ac_codes{};
  int64_t restart_interval = 0;  // in MCUs; 0: none
  size_t scan = 0;               // where the entropy-coded data begin

  // A minimum coded unit has 8 x 8 x the largest sampling factors pixels.
  int64_t mcu_height() const { return 8 * most_vertical; }
  int64_t mcu_width() const { return 8 * most_horizontal; }
  int64_t mcu_rows() const { return (height + mcu_height() - 1) / mcu_height(); }
  int64_t mcu_columns() const { return (width + mcu_width() - 1) / mcu_width(); }
};

// Nothing for every other file, and for anything unusual in the header: a full decoder has to judge
// such files. Checks everything that the members promise, not the entropy-coded data.
std::optional<BaselineJpeg> parse_baseline_jpeg(std::span<const uint8_t> file);

}  // namespace d2l::data
