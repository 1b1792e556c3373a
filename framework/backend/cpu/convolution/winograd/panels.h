#pragma once

#include "framework/backend/cpu/lanes.h"

// Products of small matrices with many columns, for kernels that keep their operands in the cache.
// Works on blocks of rows with 32 or 16 columns, whose sums fill the registers of AVX-512. Call it
// from functions that are compiled for AVX-512.
namespace d2l::cpu {

// Row-major; steps are the distances between rows in elements.
struct PanelOperands {
  const float* a;  // [rows, depth], or [depth, rows] when transposed
  int64_t a_step;
  const float* b;  // [depth, columns]
  int64_t b_step;
  float* out;  // [rows, columns]
  int64_t out_step;
  // a and b of the next product, to be prefetched into the core's own cache: the hardware does not
  // prefetch them, since they are many short rows.
  const float* next_a;
  const float* next_b;
};

enum class PanelA { plain, transposed };

// kRows rows and 16 kVectors columns; adds to out if `add`.
template <PanelA kA, int kRows, int kVectors>
[[gnu::always_inline]] inline void multiply_block(const PanelOperands& p, int64_t depth, bool add) {
  Lanes16 sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sum[r][v] = Lanes16{};
  const float* a = p.a;
  const float* b = p.b;
  for (int64_t k = 0; k < depth; ++k, a += kA == PanelA::plain ? 1 : p.a_step, b += p.b_step) {
    __builtin_prefetch(p.next_a + k * (kA == PanelA::plain ? 16 : p.a_step), 0, 2);
    __builtin_prefetch(p.next_b + k * (kA == PanelA::plain ? 16 : p.b_step), 0, 2);
    Lanes16 row[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) load(row[v], b + 16 * v);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Lanes16 value = Lanes16{} + a[kA == PanelA::plain ? r * p.a_step : r];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[r][v] += value * row[v];
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      float* to = p.out + r * p.out_step + 16 * v;
      Lanes16 before{};
      if (add) load(before, to);
      store(Lanes16(sum[r][v] + before), to);
    }
}

// Any number of rows and 16 kVectors columns.
template <PanelA kA, int kVectors>
[[gnu::always_inline]] inline void multiply_rows(PanelOperands p, int64_t rows, int64_t depth,
                                                 bool add) {
  auto next = [&](int64_t count) {
    p.a += count * (kA == PanelA::plain ? p.a_step : 1);
    p.next_a += kA == PanelA::plain ? count * p.a_step : 16;
    p.next_b += kA == PanelA::plain ? depth * 16 : 16;
    p.out += count * p.out_step;
    rows -= count;
  };
  for (; rows >= 14; next(14)) multiply_block<kA, 14, kVectors>(p, depth, add);
  for (; rows >= 8; next(8)) multiply_block<kA, 8, kVectors>(p, depth, add);
  for (; rows >= 4; next(4)) multiply_block<kA, 4, kVectors>(p, depth, add);
  for (; rows >= 1; next(1)) multiply_block<kA, 1, kVectors>(p, depth, add);
}

// Any number of rows and 32 or 16 columns.
template <PanelA kA>
[[gnu::always_inline]] inline void multiply_panel(const PanelOperands& p, int64_t columns,
                                                  int64_t rows, int64_t depth, bool add) {
  if (columns == 32)
    multiply_rows<kA, 2>(p, rows, depth, add);
  else
    multiply_rows<kA, 1>(p, rows, depth, add);
}

}  // namespace d2l::cpu
