#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace d2l::data {

// The inverse cosine transform of JPEG blocks with the algorithm of Arai, Agui and Nakajima ("A
// fast DCT-SQ scheme for images", Transactions of the IEICE E71, 1988) in floating point, 8 columns
// at a time. Inline, because its callers are compiled for several processors.
namespace idct {

using Floats = float __attribute__((vector_size(32)));
using Ints = int32_t __attribute__((vector_size(32)));
using Shorts = int16_t __attribute__((vector_size(16)));
using Longs = int64_t __attribute__((vector_size(32)));

// What to multiply coefficients with before the transform: the quantisation step (in the order of
// the file), the scales of the algorithm, and 1/8.
std::array<float, 64> factors(const std::array<uint16_t, 64>& quantisation);

// Transforms along the first axis of v[8][8], in place.
[[gnu::always_inline]] inline void transform(Floats* v) {
  const Floats a0 = v[0] + v[4], a1 = v[0] - v[4];
  const Floats a3 = v[2] + v[6], a2 = (v[2] - v[6]) * 1.414213562f - a3;
  const Floats e0 = a0 + a3, e3 = a0 - a3, e1 = a1 + a2, e2 = a1 - a2;

  const Floats z13 = v[5] + v[3], z10 = v[5] - v[3], z11 = v[1] + v[7], z12 = v[1] - v[7];
  const Floats z5 = (z10 + z12) * 1.847759065f;
  const Floats o7 = z11 + z13;
  const Floats o6 = z5 - z10 * 2.613125930f - o7;
  const Floats o5 = (z11 - z13) * 1.414213562f - o6;
  const Floats o4 = z5 - z12 * 1.082392200f - o5;

  v[0] = e0 + o7, v[7] = e0 - o7;
  v[1] = e1 + o6, v[6] = e1 - o6;
  v[2] = e2 + o5, v[5] = e2 - o5;
  v[3] = e3 + o4, v[4] = e3 - o4;
}

[[gnu::always_inline]] inline void transpose(Floats* v) {
  Floats t[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
  Floats u[8];
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) {
      u[i + j] = __builtin_shufflevector(t[i + j], t[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      u[i + j + 2] = __builtin_shufflevector(t[i + j], t[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; ++i) {
    v[i] = __builtin_shufflevector(u[i], u[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    v[i + 4] = __builtin_shufflevector(u[i], u[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// Averages groups of 2^shift vectors: 8 >> shift remain.
template <int shift>
[[gnu::always_inline]] inline void average(Floats* v) {
  for (int step = 0; step < shift; ++step)
    for (int i = 0; i < 8 >> (step + 1); ++i) v[i] = (v[2 * i] + v[2 * i + 1]) * 0.5f;
}

// Rounds rows of samples, adds the middle of the range, and writes them as bytes, column by column.
template <int size>
[[gnu::always_inline]] inline void write(const Floats* rows, uint8_t* samples, int64_t stride) {
  Ints bytes[2] = {};  // in lane x: rows 0 to 3, rows 4 to 7
  for (int y = 0; y < size; ++y) {
    Ints row = __builtin_convertvector(rows[y] + 128.5f, Ints);
    row = row < 0 ? Ints{} : row;
    row = row > 255 ? Ints{} + 255 : row;
    bytes[y / 4] |= row << (8 * (y % 4));
  }
  if constexpr (size == 8) {
    const auto even = (Longs)__builtin_shufflevector(bytes[0], bytes[1], 0, 8, 1, 9, 4, 12, 5, 13);
    const auto odd = (Longs)__builtin_shufflevector(bytes[0], bytes[1], 2, 10, 3, 11, 6, 14, 7, 15);
    for (int i = 0; i < 4; ++i) {
      const int64_t x = i < 2 ? i : i + 2;
      const int64_t column = even[i], further = odd[i];
      std::memcpy(samples + x * stride, &column, 8);
      std::memcpy(samples + (x + 2) * stride, &further, 8);
    }
  } else {
    for (int x = 0; x < size; ++x) {
      const int32_t column = bytes[0][x];
      std::memcpy(samples + x * stride, &column, size);
    }
  }
}

// Transforms a block, whose coefficients are stored with rows and columns exchanged. Writes its
// samples, or the averages of squares of 2^shift x 2^shift of them, to samples[x * stride + y].
template <int shift>
[[gnu::always_inline]] inline void block(const int16_t* coefficients, const float* factors,
                                         uint8_t* samples, int64_t stride) {
  Floats v[8];
  for (int i = 0; i < 8; ++i) {
    Shorts shorts;
    Floats factor;
    std::memcpy(&shorts, coefficients + 8 * i, sizeof shorts);
    std::memcpy(&factor, factors + 8 * i, sizeof factor);
    v[i] = __builtin_convertvector(__builtin_convertvector(shorts, Ints), Floats) * factor;
  }
  transform(v);
  transpose(v);
  transform(v);
  if constexpr (shift > 0) {
    average<shift>(v);
    transpose(v);
    average<shift>(v);
    transpose(v);
  }
  write<(8 >> shift)>(v, samples, stride);
}

}  // namespace idct
}  // namespace d2l::data
