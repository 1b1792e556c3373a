#pragma once

#include <type_traits>

#include "framework/backend/cuda/row_groups.h"

// Rows that layer normalisation keeps in registers: up to 1024 elements in a group of lanes, up to
// 8192 in a block.

namespace d2l::cuda {

constexpr int64_t kRowOfWarp = 1024, kRowOfBlock = 8192;

// Each thread has up to kMost values of a row, in packs of kPack adjacent ones.
template <class Activation, int kPackSize, int kMost, bool kWholeBlock>
struct RowLayout {
  using T = Activation;
  static constexpr int kPack = kPackSize, kValues = kMost;
  static constexpr bool kBlock = kWholeBlock;

  // Calls f(k, column) for the thread's packs: the pack has values k, k + 1, ... and columns
  // column, column + 1, ...
  template <class F>
  static __device__ void for_packs(int columns, int lane, int width, const F& f) {
    for (int k = 0; k < kValues; k += kPack)
      if (const int column = (k / kPack * width + lane) * kPack; column < columns) f(k, column);
  }
  // The sum over the threads that share a row.
  static __device__ float row_sum(float value, int width) {
    if constexpr (kBlock) return block_all(value, Plus{}, 0.0f);
    return group_all(value, Plus{}, width);
  }
};

// Calls visitor(layout, width): the layout for rows of up to kRowOfBlock elements, and the number
// of threads per row. `packs`: whether rows, gamma and beta may be read in packs.
template <class T, class Visitor>
void visit_layout(int64_t columns, bool packs, const Visitor& visitor) {
  const auto with = [&]<int kMost, bool kBlock>(std::integral_constant<int, kMost>,
                                                std::bool_constant<kBlock>) {
    constexpr int kWide = kPackOf<T>;
    const int width = kBlock ? kThreads : group_width(columns, packs ? kWide : 1);
    if (packs) return visitor(RowLayout<T, kWide, kMost, kBlock>{}, width);
    visitor(RowLayout<T, 1, kMost, kBlock>{}, width);
  };
  using Few = std::integral_constant<int, 8>;
  using More = std::integral_constant<int, 16>;
  using Most = std::integral_constant<int, 32>;
  if (columns <= kRowOfWarp) {
    if (columns <= 8 * kWarp) return with(Few{}, std::false_type{});
    if (columns <= 16 * kWarp) return with(More{}, std::false_type{});
    return with(Most{}, std::false_type{});
  }
  if (columns <= 8 * kThreads) return with(Few{}, std::true_type{});
  if (columns <= 16 * kThreads) return with(More{}, std::true_type{});
  with(Most{}, std::true_type{});
}

}  // namespace d2l::cuda
