#pragma once

#include "framework/backend/cuda/pack.h"
#include "framework/backend/cuda/walk.h"

// Copies between arrays with arbitrary strides.

namespace d2l::cuda {

// A copy: the loops over (in, out) in elements, and the addresses of the elements with index 0.
struct CopyJob {
  const void* in;
  void* out;
  LoopNest<2> nest;

  bool is_flat() const {
    return nest.rank() <= 1 && nest.column_steps() == LoopNest<2>::Steps{1, 1};
  }
};

// Calls visitor(T{}) with a type of `bytes` bytes, a power of two up to 16.
template <class Visitor>
void visit_unit(int64_t bytes, Visitor&& visitor) {
  if (bytes == 16) return visitor(Pack<uint32_t, 4>{});
  if (bytes == 8) return visitor(uint64_t{});
  if (bytes == 4) return visitor(uint32_t{});
  if (bytes == 2) return visitor(uint16_t{});
  visitor(uint8_t{});
}

// The most bytes, up to 16, that can be copied at once; `together` is the bitwise or of all
// addresses and lengths in bytes.
inline int64_t widest_unit(uint64_t together) {
  const uint64_t lowest = together & (~together + 1);
  return lowest == 0 || lowest > 16 ? 16 : static_cast<int64_t>(lowest);
}

// The walk counts bytes.
template <class Unit>
struct CopyUnit {
  Walk<2> walk;
  const char* in;
  char* out;

  __device__ void operator()(int64_t item) const {
    const Offsets<2> at = walk.at(item);
    *reinterpret_cast<Unit*>(out + at.in[1]) = *reinterpret_cast<const Unit*>(in + at.in[0]);
  }
};

// Copies elements of `size` bytes; several at once if rows are contiguous on both sides.
inline void copy_units(const Queue& queue, const CopyJob& job, int64_t size) {
  int64_t unit = size;
  if (job.nest.column_steps() == LoopNest<2>::Steps{1, 1}) {
    uint64_t together = reinterpret_cast<uintptr_t>(job.in) | reinterpret_cast<uintptr_t>(job.out) |
                        static_cast<uint64_t>(job.nest.columns() * size);
    for (int axis = 0; axis < job.nest.rank() - 1; ++axis)
      for (int64_t step : job.nest.steps(axis)) together |= static_cast<uint64_t>(step * size);
    unit = widest_unit(together);
  }
  const Walk<2> walk = walk_of(job.nest, unit / size, size);
  visit_unit(unit, [&](auto zero) {
    for_each(queue, walk.items,
             CopyUnit<decltype(zero)>{walk, static_cast<const char*>(job.in),
                                      static_cast<char*>(job.out)});
  });
}

// Fills rows of packs with one value each.
template <class T, int kWide>
struct RepeatValue {
  Walk<2> walk;
  const T* in;
  T* out;

  __device__ void operator()(int64_t item) const {
    const Offsets<2> at = walk.at(item);
    const T value = in[at.in[0]];
    Pack<T, kWide> pack;
    for (int k = 0; k < kWide; ++k) pack.at[k] = value;
    store_pack(pack, out + at.in[1]);
  }
};

// Rows that repeat one value (steps of 0 and 1). False if rows cannot be split into packs.
inline bool repeat_values(const Queue& queue, const CopyJob& job, int64_t size) {
  if (job.nest.column_steps() != LoopNest<2>::Steps{0, 1} || size > 8) return false;
  if (!divides(job.nest, 16 / size) || !are_aligned(16, job.out)) return false;
  const Walk<2> walk = walk_of(job.nest, 16 / size);
  visit_unit(size, [&](auto zero) {
    using T = decltype(zero);
    for_each(
        queue, walk.items,
        RepeatValue<T, kPackOf<T>>{walk, static_cast<const T*>(job.in), static_cast<T*>(job.out)});
  });
  return true;
}

// Adds rows of packs (steps of 1), or single values.
template <int kWide>
struct AddValues {
  Walk<2> walk;
  const float* in;
  float* out;

  __device__ void operator()(int64_t item) const {
    using Values = Pack<float, kWide>;
    const Offsets<2> at = walk.at(item);
    const Values more = *reinterpret_cast<const Values*>(in + at.in[0]);
    Values& sum = *reinterpret_cast<Values*>(out + at.in[1]);
    Values values = sum;
    for (int k = 0; k < kWide; ++k) values.at[k] += more.at[k];
    sum = values;
  }
};

// f32 only; no two indices may refer to the same output element.
inline void add_values(const Queue& queue, const CopyJob& job) {
  const auto* in = static_cast<const float*>(job.in);
  auto* out = static_cast<float*>(job.out);
  if (job.nest.column_steps() == LoopNest<2>::Steps{1, 1} && divides(job.nest, 4) &&
      are_aligned(16, in, out)) {
    const Walk<2> walk = walk_of(job.nest, 4);
    for_each(queue, walk.items, AddValues<4>{walk, in, out});
  } else {
    const Walk<2> walk = walk_of(job.nest);
    for_each(queue, walk.items, AddValues<1>{walk, in, out});
  }
}

}  // namespace d2l::cuda
