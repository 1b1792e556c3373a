#pragma once

#include <bit>
#include <cmath>

#include "framework/backend/cuda/block_sum.h"
#include "framework/backend/cuda/pack.h"

// Groups of `width` adjacent lanes of a warp process short rows; width is a power of 2.

namespace d2l::cuda {

// The larger number; ignores NaN.
struct LargerNumber {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
};

// The group width if each lane takes `items` adjacent elements of a row at a time.
inline int group_width(int64_t columns, int64_t items = 1) {
  const int64_t wanted = std::clamp<int64_t>(ceil_div(columns, items), 1, kWarp);
  return static_cast<int>(std::bit_ceil(static_cast<uint64_t>(wanted)));
}

// A thread's row, and its lane among those that share the row.
struct RowPlace {
  __device__ explicit RowPlace(int width)
      : row(first_item() / width), lane(static_cast<int>(threadIdx.x) % width) {}
  int64_t row;
  int lane;
};

// Blocks of kThreads, with one group per row.
inline dim3 blocks_for_groups(int64_t rows, int width) {
  return static_cast<unsigned>(ceil_div(rows, kThreads / width));
}

// Calls f(i, pack) for packs of one or more elements x[i], x[i + 1], ...: the share of one of
// `lanes` lanes of x[0, count). x may have any alignment.
template <class T, class F>
__device__ void for_packs(const T* x, int64_t count, int lane, int lanes, const F& f) {
  constexpr int kPack = kPackOf<T>;
  using Wide = Pack<T, kPack>;
  using Single = Pack<T, 1>;
  const int64_t over = static_cast<int64_t>(reinterpret_cast<uintptr_t>(x) % sizeof(Wide));
  const int64_t up_to_wide =
      over == 0 ? 0 : (static_cast<int64_t>(sizeof(Wide)) - over) / static_cast<int64_t>(sizeof(T));
  const int64_t head = up_to_wide < count ? up_to_wide : count;
  const int64_t packs = (count - head) / kPack;
  for (int64_t i = lane; i < head; i += lanes) f(i, Single{{x[i]}});
  const Wide* wide = reinterpret_cast<const Wide*>(x + head);
  for (int64_t i = lane; i < packs; i += lanes) f(head + i * kPack, wide[i]);
  for (int64_t i = head + packs * kPack + lane; i < count; i += lanes) f(i, Single{{x[i]}});
}

}  // namespace d2l::cuda
