#include "data/transform/planes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "framework/base/simd.h"

namespace d2l::data {
namespace {

constexpr int kBits = 14;         // of a weight's fraction: weights are below 2
constexpr int64_t kBlock = 64;    // samples mixed at a time, in registers or L1
constexpr int64_t kColumns = 16;  // columns transposed at a time

// The sum over the taps t of weights[t] times samples[t * stride + i], for i in [0, count). Reads
// and writes up to kBlock - 1 samples more: blocks of a fixed size stay in registers.
D2L_SIMD void mix(const int16_t* weights, int64_t taps, const uint8_t* samples, int64_t stride,
                  int64_t count, uint8_t* result) {
  for (int64_t first = 0; first < count; first += kBlock) {
    int32_t sums[kBlock];
    for (int64_t i = 0; i < kBlock; ++i) sums[i] = 1 << (kBits - 1);
    for (int64_t t = 0; t < taps; ++t) {
      const uint8_t* from = samples + t * stride + first;
      const int32_t weight = weights[t];
      for (int64_t i = 0; i < kBlock; ++i) sums[i] += weight * from[i];
    }
    for (int64_t i = 0; i < kBlock; ++i)
      result[first + i] = static_cast<uint8_t>(std::clamp(sums[i] >> kBits, 0, 255));
  }
}

using Vector = uint8_t __attribute__((vector_size(16)));

// Writes the 16 x 16 bytes from[x * from_stride + y] to to[y * to_stride + x].
void transpose(const uint8_t* from, int64_t from_stride, uint8_t* to, int64_t to_stride) {
  Vector v[16], t[16];
  for (int i = 0; i < 16; ++i) std::memcpy(&v[i], from + i * from_stride, sizeof v[i]);
  // each round interleaves the first half of the vectors with the second
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 8; ++i) {
      t[2 * i] = __builtin_shufflevector(v[i], v[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21,
                                         6, 22, 7, 23);
      t[2 * i + 1] = __builtin_shufflevector(v[i], v[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28,
                                             13, 29, 14, 30, 15, 31);
    }
    std::copy(t, t + 16, v);
  }
  for (int i = 0; i < 16; ++i) std::memcpy(to + i * to_stride, &v[i], sizeof v[i]);
}

// Y, Cb, Cr to R, G, B as in JFIF (ITU-R BT.601, full range), in units of 2^-16.
D2L_SIMD void convert_row(const uint8_t* y, const uint8_t* cb, const uint8_t* cr, int64_t count,
                          uint8_t* pixels) {
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t size = std::min(kBlock, count - first);
    int32_t packed[kBlock];
    for (int64_t i = 0; i < size; ++i) {
      const int32_t luma = (y[first + i] << 16) + (1 << 15);
      const int32_t blue = cb[first + i] - 128, red = cr[first + i] - 128;
      const int32_t r = std::clamp((luma + 91881 * red) >> 16, 0, 255);
      const int32_t g = std::clamp((luma - 22554 * blue - 46802 * red) >> 16, 0, 255);
      const int32_t b = std::clamp((luma + 116130 * blue) >> 16, 0, 255);
      packed[i] = r | g << 8 | b << 16;
    }
    uint8_t* to = pixels + 3 * first;
    // the fourth byte belongs to the next pixel, which follows
    for (int64_t i = 0; i + 1 < size; ++i) std::memcpy(to + 3 * i, packed + i, 4);
    std::memcpy(to + 3 * (size - 1), packed + size - 1, 3);
  }
}

void repeat_row(const uint8_t* grey, int64_t count, uint8_t* pixels) {
  for (int64_t i = 0; i < count; ++i) std::memset(pixels + 3 * i, grey[i], 3);
}

int64_t round_up(int64_t value, int64_t step) { return (value + step - 1) / step * step; }

}  // namespace

void PlaneResize::assign(const AxisPart& part, Filter filter, Mixing& mixing) {
  axis_.assign(part, filter);
  const int64_t taps = axis_.taps;
  mixing.taps = taps;
  mixing.first = axis_.first;
  mixing.weights.resize(axis_.weights.size());
  for (int64_t i = 0; i < part.to; ++i) {
    const double* from = axis_.weights.data() + i * taps;
    int16_t* to = mixing.weights.data() + i * taps;
    int sum = 0;
    for (int64_t t = 0; t < taps; ++t) {
      to[t] = static_cast<int16_t>(std::lround(from[t] * (1 << kBits)));
      sum += to[t];
    }
    // an even grey stays as it is: the largest weight takes the error of rounding
    int16_t& largest = *std::max_element(to, to + taps);
    largest = static_cast<int16_t>(largest + (1 << kBits) - sum);
  }
}

// Computes the columns of the result, for all rows that are needed, and stores them row by row.
void PlaneResize::resize_columns(const Source& source, const Result& result, Filter filter,
                                 Component& component) {
  assign(source.across, filter, columns_);
  assign(source.down, filter, component.rows);
  const auto [least, most] =
      std::minmax_element(component.rows.first.begin(), component.rows.first.end());
  component.first_row = *least;
  const int64_t rows = *most + component.rows.taps - *least;
  const int64_t padded = round_up(rows, kBlock);
  component.stride = round_up(result.width, kColumns);
  component.samples.resize(static_cast<size_t>(padded * component.stride + kBlock));
  mixed_.resize(static_cast<size_t>(kColumns * padded));
  const ColourPlane& plane = *source.plane;
  for (int64_t x = 0; x < result.width; x += kColumns) {
    for (int64_t i = 0; i < std::min(kColumns, result.width - x); ++i) {
      const int64_t from = result.mirrored ? result.width - 1 - x - i : x + i;
      const uint8_t* samples = plane.column(source.left + columns_.first[from]);
      mix(columns_.weights.data() + from * columns_.taps, columns_.taps,
          samples + source.top + component.first_row, plane.stride, rows,
          mixed_.data() + i * padded);
    }
    for (int64_t y = 0; y < rows; y += kColumns)
      transpose(mixed_.data() + y, padded, component.samples.data() + y * component.stride + x,
                component.stride);
  }
}

void PlaneResize::resize(const std::array<Source, 3>& sources, size_t count, const Result& result,
                         Filter filter, uint8_t* pixels) {
  for (size_t i = 0; i < count; ++i) {
    resize_columns(sources[i], result, filter, components_[i]);
    rows_[i].resize(static_cast<size_t>(round_up(result.width, kBlock)));
  }
  const int64_t row_bytes = result.width * result.channels;
  for (int64_t y = 0; y < result.height; ++y) {
    const int64_t from = result.flipped ? result.height - 1 - y : y;
    uint8_t* row = pixels + y * row_bytes;
    for (size_t i = 0; i < count; ++i) {
      const Component& c = components_[i];
      mix(c.rows.weights.data() + from * c.rows.taps, c.rows.taps,
          c.samples.data() + (c.rows.first[from] - c.first_row) * c.stride, c.stride, result.width,
          rows_[i].data());
    }
    if (result.channels == 1) {
      std::copy_n(rows_[0].data(), result.width, row);
    } else if (count == 1) {
      repeat_row(rows_[0].data(), result.width, row);
    } else {
      convert_row(rows_[0].data(), rows_[1].data(), rows_[2].data(), result.width, row);
    }
  }
}

}  // namespace d2l::data
