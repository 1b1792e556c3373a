#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "data/formats/jpeg_planes.h"
#include "data/transform/filter.h"

namespace d2l::data {

// Resizes colour components and converts them into pixels. Every component is resized from its own
// resolution to that of the result. The numbers are rounded to bytes after the columns, after the
// rows and after the conversion; the weights have 14 bits. Owns reusable memory; one per thread.
class PlaneResize {
 public:
  // Which part of which component.
  struct Source {
    const ColourPlane* plane = nullptr;
    AxisPart down, across;      // in samples of the component; `to` is the size of the result
    int64_t top = 0, left = 0;  // what position 0 of `down` and `across` is in the component
  };

  struct Result {
    int64_t height = 0, width = 0;
    int64_t channels = 3;   // 1 or 3
    bool mirrored = false;  // left to right
    bool flipped = false;   // top to bottom
  };

  // `sources`: Y, or Y, Cb, Cr for colours. `pixels` gets height x width x channels bytes.
  void resize(const std::array<Source, 3>& sources, size_t count, const Result& result,
              Filter filter, uint8_t* pixels);

 private:
  struct Mixing {
    int64_t taps = 0;
    std::vector<int32_t> first;
    std::vector<int16_t> weights;  // [element][tap], in units of 2^-14
  };
  // A component with the columns of the result.
  struct Component {
    Mixing rows;
    int64_t first_row = 0;
    int64_t stride = 0;
    std::vector<uint8_t> samples;
  };

  void assign(const AxisPart& part, Filter filter, Mixing& mixing);
  void resize_columns(const Source& source, const Result& result, Filter filter,
                      Component& component);

  AxisWeights axis_;
  Mixing columns_;
  std::vector<uint8_t> mixed_;  // 16 columns
  std::array<Component, 3> components_;
  std::array<std::vector<uint8_t>, 3> rows_;  // one row of each component
};

}  // namespace d2l::data
