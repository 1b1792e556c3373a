#pragma once

#include <bit>

#include "framework/backend/cuda/launch.h"
#include "framework/backend/loop_nest.h"

// Offsets of elements in several strided arrays that are walked together.

namespace d2l::cuda {

// Divides non-negative numbers by a divisor that is known when the kernel starts. Numbers below
// 2^31 take one multiplication (Granlund and Montgomery, "Division by invariant integers using
// multiplication", 1994).
class Divider {
 public:
  Divider() = default;
  explicit Divider(int64_t divisor) : divisor_(divisor) {
    if (divisor > INT32_MAX) {  // all smaller numbers give 0
      factor_ = 0;
      shift_ = 31;
      return;
    }
    const auto by = static_cast<uint64_t>(divisor);
    shift_ = static_cast<uint32_t>(std::bit_width(by - 1));
    factor_ = static_cast<uint32_t>((((uint64_t{1} << shift_) - by) << 32) / by + 1);
  }

  __device__ int64_t divisor() const { return divisor_; }
  __device__ int64_t quotient(int64_t value) const {
    if (value >> 31 != 0) return value / divisor_;
    const auto low = static_cast<uint32_t>(value);
    const auto high = static_cast<uint32_t>(uint64_t{low} * factor_ >> 32);
    return (high + low) >> shift_;
  }

 private:
  int64_t divisor_ = 1;
  uint32_t factor_ = 1, shift_ = 0;
};

template <int kArrays>
struct Offsets {
  int64_t in[kArrays];
};

// The loops of a LoopNest as a function from an item's number to its offset in each array. The
// innermost axis comes first.
template <int kArrays>
struct Walk {
  int64_t items = 1;
  int rank = 0;
  Divider sizes[Shape::kMaxRank];
  int64_t steps[Shape::kMaxRank][kArrays] = {};

  __device__ Offsets<kArrays> at(int64_t item) const {
    Offsets<kArrays> offsets{};
    int64_t rest = item;
    for (int axis = 0; axis < rank; ++axis) {
      const int64_t outer = axis + 1 < rank ? sizes[axis].quotient(rest) : 0;
      const int64_t index = rest - outer * sizes[axis].divisor();
      for (int k = 0; k < kArrays; ++k) offsets.in[k] += index * steps[axis][k];
      rest = outer;
    }
    return offsets;
  }
};

// An item is `wide` adjacent elements along the innermost axis. Offsets are multiplied by `scale`.
template <int kArrays>
Walk<kArrays> walk_of(const LoopNest<kArrays>& nest, int64_t wide = 1, int64_t scale = 1) {
  Walk<kArrays> walk;
  walk.rank = nest.rank();
  for (int axis = 0; axis < walk.rank; ++axis) {
    const int from = walk.rank - 1 - axis;
    const int64_t together = axis == 0 ? wide : 1;
    const int64_t size = nest.size(from) / together;
    walk.items *= size;
    walk.sizes[axis] = Divider(size);
    for (int k = 0; k < kArrays; ++k) walk.steps[axis][k] = nest.steps(from)[k] * together * scale;
  }
  return walk;
}

// Whether all rows can be split into `wide` adjacent elements that start at multiples of `wide`, in
// each array with a step along the rows.
template <int kArrays>
bool divides(const LoopNest<kArrays>& nest, int64_t wide) {
  if (nest.columns() % wide != 0) return false;
  for (int axis = 0; axis < nest.rank() - 1; ++axis)
    for (int k = 0; k < kArrays; ++k)
      if (nest.column_steps()[k] != 0 && nest.steps(axis)[k] % wide != 0) return false;
  return true;
}

}  // namespace d2l::cuda
