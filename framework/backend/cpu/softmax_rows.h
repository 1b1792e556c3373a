#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "framework/backend/formulas.h"

namespace d2l::cpu {

// The parts of a softmax, for vectorised loops. Rows of up to kTileColumns elements are processed
// 32 at a time, one row per vector lane; longer rows are vectorised along the row.
inline constexpr int64_t kTileRows = 32;
inline constexpr int64_t kTileColumns = 24;

// e^x for x <= 0 or NaN, with e^-inf = 0: fast_exp alone never falls below e^-87.
[[gnu::always_inline]] inline float exp_of_difference(float x) {
  const float value = formulas::fast_exp(x);
  return x < -87.0f ? 0.0f : value;
}

struct Tile {
  alignas(64) float at[kTileColumns][kTileRows];
};

struct TileStatistics {
  alignas(64) float max[kTileRows];
  alignas(64) float sum[kTileRows];  // of e^(x - max)
};

// Takes its arguments by value: an expression on array elements becomes a conditional store, which
// the compiler does not vectorise.
[[gnu::always_inline]] inline float larger(float x, float so_far) {
  return x > so_far ? x : so_far;
}

// In a tile with fewer rows, the last row is repeated.
[[gnu::always_inline]] inline void load_tile(const float* x, int64_t rows, int64_t columns,
                                             Tile& tile) {
  for (int64_t k = 0; k < kTileRows; ++k) {
    const float* row = x + std::min(k, rows - 1) * columns;
    for (int64_t j = 0; j < columns; ++j) tile.at[j][k] = row[j];
  }
}

[[gnu::always_inline]] inline void store_tile(const Tile& tile, int64_t rows, int64_t columns,
                                              float* y) {
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t j = 0; j < columns; ++j) y[k * columns + j] = tile.at[j][k];
}

// Writes e^(x - max) to `exps`, which may be the tile itself.
[[gnu::always_inline]] inline void tile_exp(const Tile& tile, int64_t columns, Tile& exps,
                                            TileStatistics& statistics) {
  float max[kTileRows], sum[kTileRows] = {};
  for (int64_t k = 0; k < kTileRows; ++k) max[k] = tile.at[0][k];
  for (int64_t j = 1; j < columns; ++j)
    for (int64_t k = 0; k < kTileRows; ++k) max[k] = larger(tile.at[j][k], max[k]);
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t k = 0; k < kTileRows; ++k) {
      const float e = exp_of_difference(tile.at[j][k] - max[k]);
      exps.at[j][k] = e;
      sum[k] += e;
    }
  for (int64_t k = 0; k < kTileRows; ++k) {
    statistics.max[k] = max[k];
    statistics.sum[k] = sum[k];
  }
}

// Converts e^(x - max) to probabilities.
[[gnu::always_inline]] inline void scale_tile(const TileStatistics& statistics, int64_t columns,
                                              Tile& exps) {
  float factor[kTileRows];
  for (int64_t k = 0; k < kTileRows; ++k) factor[k] = 1.0f / statistics.sum[k];
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t k = 0; k < kTileRows; ++k) exps.at[j][k] *= factor[k];
}

[[gnu::always_inline]] inline float row_max(const float* x, int64_t columns) {
  constexpr int64_t kLanes = 32;
  float lanes[kLanes];
  std::fill_n(lanes, kLanes, -std::numeric_limits<float>::infinity());
  int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes)
    for (int64_t k = 0; k < kLanes; ++k) lanes[k] = larger(x[i + k], lanes[k]);
  float max = lanes[0];
  for (int64_t k = 1; k < kLanes; ++k) max = larger(lanes[k], max);
  for (; i < columns; ++i) max = larger(x[i], max);
  return max;
}

// Returns the sum of e^(x - max). If kStore, writes the terms to `exps`.
template <bool kStore>
[[gnu::always_inline]] inline float row_exp(const float* x, int64_t columns, float max,
                                            float* exps) {
  constexpr int64_t kLanes = 32;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes)
    for (int64_t k = 0; k < kLanes; ++k) {
      const float e = exp_of_difference(x[i + k] - max);
      if (kStore) exps[i + k] = e;
      lanes[k] += e;
    }
  if (i < columns) {
    float rest[kLanes];
    std::fill_n(rest, kLanes, -std::numeric_limits<float>::infinity());
    std::copy_n(x + i, columns - i, rest);
    for (int64_t k = 0; k < kLanes; ++k) {
      // A padded lane must not enter the sum, even if max is infinite.
      rest[k] = k < columns - i ? exp_of_difference(rest[k] - max) : 0.0f;
      lanes[k] += rest[k];
    }
    if (kStore) std::copy_n(rest, columns - i, exps + i);
  }
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t k = 0; k < half; ++k) lanes[k] += lanes[k + half];
  return lanes[0];
}

// The sum over i of term(i).
template <class Term>
[[gnu::always_inline]] inline float row_sum(int64_t columns, const Term& term) {
  constexpr int64_t kLanes = 32;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes)
    for (int64_t k = 0; k < kLanes; ++k) lanes[k] += term(i + k);
  float rest = 0;
  for (; i < columns; ++i) rest += term(i);
  if (columns < kLanes) return rest;
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t k = 0; k < half; ++k) lanes[k] += lanes[k + half];
  return lanes[0] + rest;
}

}  // namespace d2l::cpu
