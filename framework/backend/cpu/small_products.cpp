#include "framework/backend/cpu/small_products.h"

#include <algorithm>

#include "framework/backend/cpu/constants.h"
#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"

namespace d2l::cpu {
namespace {

constexpr int64_t kLanes = 16;
constexpr int kMostVectors = 4;
constexpr int64_t kSide = 8;  // of tiles that are transposed in registers

// The sums of a tile stay in registers.
template <int kRows, int kVectors>
[[gnu::always_inline]] inline void multiply_tile(const SmallProduct& p, int64_t row,
                                                 int64_t column) {
  Lanes16 sum[kRows][kVectors];
  float* c = p.c + row * p.c_row + column;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sum[r][v] = Lanes16{};
      if (p.add) load(sum[r][v], c + r * p.c_row + v * kLanes);
    }
  const float* a = p.a + row * p.a_row;
  const float* b = p.b + column;
  for (int64_t k = 0; k < p.inner; ++k, a += p.a_inner, b += p.b_row) {
    Lanes16 vectors[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) load(vectors[v], b + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] += vectors[v] * a[r * p.a_row];
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) store(sum[r][v], c + r * p.c_row + v * kLanes);
}

template <int... kChoice>
[[gnu::always_inline]] inline void shuffle(const Lanes8& a, const Lanes8& b, Lanes8& result) {
  result = __builtin_shuffle(a, b, Lanes8i{kChoice...});
}

// 8 x 8: interleaves pairs of rows by one element, then by two, then by four.
template <class T>
[[gnu::always_inline]] inline void transpose_tile(const T* from, int64_t from_row, float* to,
                                                  int64_t to_row, float factor) {
  Lanes8 x[kSide], y[kSide];
  for (int i = 0; i < kSide; ++i) load(x[i], from + i * from_row);
  for (int i = 0; i < kSide; i += 2) {
    shuffle<0, 8, 1, 9, 4, 12, 5, 13>(x[i], x[i + 1], y[i]);
    shuffle<2, 10, 3, 11, 6, 14, 7, 15>(x[i], x[i + 1], y[i + 1]);
  }
  for (int i = 0; i < kSide; i += 4)
    for (int k = 0; k < 2; ++k) {
      shuffle<0, 1, 8, 9, 4, 5, 12, 13>(y[i + k], y[i + k + 2], x[i + 2 * k]);
      shuffle<2, 3, 10, 11, 6, 7, 14, 15>(y[i + k], y[i + k + 2], x[i + 2 * k + 1]);
    }
  for (int i = 0; i < 4; ++i) {
    shuffle<0, 1, 2, 3, 8, 9, 10, 11>(x[i], x[i + 4], y[i]);
    shuffle<4, 5, 6, 7, 12, 13, 14, 15>(x[i], x[i + 4], y[i + 4]);
  }
  for (int i = 0; i < kSide; ++i) store(y[i] * factor, to + i * to_row);
}

}  // namespace

D2L_SIMD void multiply(const SmallProduct& p) {
  for (int64_t column = 0; column < p.columns; column += kMostVectors * kLanes)
    with_constant<kMostVectors>(
        std::min<int64_t>(kMostVectors, (p.columns - column) / kLanes),
        [&](auto vectors) __attribute__((always_inline)) {
          // the sums must fit into 32 registers
          constexpr int kRows = vectors <= 2 ? 8 : 4;
          for (int64_t row = 0; row < p.rows; row += kRows)
            with_constant<kRows>(
                std::min<int64_t>(kRows, p.rows - row), [&](auto rows)
                                                            __attribute__((always_inline)) {
                                                              multiply_tile<rows, vectors>(p, row,
                                                                                           column);
                                                            });
        });
}

template <class T>
D2L_SIMD void transpose(const SmallTranspose<T>& p) {
  for (int64_t i = 0; i < p.rows; i += kSide)
    for (int64_t j = 0; j < p.columns; j += kSide) {
      const T* from = p.from + i * p.from_row + j;
      float* to = p.to + j * p.to_row + i;
      const int64_t rows = std::min(kSide, p.rows - i), columns = std::min(kSide, p.columns - j);
      if (rows == kSide && columns == kSide) {
        transpose_tile(from, p.from_row, to, p.to_row, p.factor);
        continue;
      }
      for (int64_t r = 0; r < rows; ++r)
        for (int64_t c = 0; c < columns; ++c)
          to[c * p.to_row + r] = p.factor * static_cast<float>(from[r * p.from_row + c]);
    }
}

template void transpose(const SmallTranspose<float>&);
template void transpose(const SmallTranspose<Bfloat16>&);

}  // namespace d2l::cpu
