#pragma once

#include <algorithm>
#include <array>

#include "framework/backend/cuda/strided_copy.h"

// Adds into elements that several indices refer to, as in the gradient of overlapping windows.

namespace d2l::cuda {

// Splits the axes of a nest in two: along the axes `apart`, ordered by descending step, no two
// indices refer to the same element of the output. The sum over all other axes has a fixed order.
struct ApartAxes {
  std::array<int, Shape::kMaxRank> apart{};
  int count = 0;
  bool is_apart(int axis) const {
    return std::find(apart.begin(), apart.begin() + count, axis) != apart.begin() + count;
  }
};

inline ApartAxes apart_axes(const LoopNest<2>& nest) {
  std::array<int, Shape::kMaxRank> by_size{};
  for (int axis = 0; axis < nest.rank(); ++axis) by_size[axis] = axis;
  std::stable_sort(by_size.begin(), by_size.begin() + nest.rank(),
                   [&](int a, int b) { return nest.size(a) > nest.size(b); });
  ApartAxes axes;
  for (int i = 0; i < nest.rank(); ++i) {
    ApartAxes more = axes;
    more.apart[more.count++] = by_size[i];
    std::stable_sort(more.apart.begin(), more.apart.begin() + more.count,
                     [&](int a, int b) { return nest.steps(a)[1] > nest.steps(b)[1]; });
    int64_t reach = 0;  // of the axes with smaller steps
    bool clear = true;
    for (int k = more.count - 1; k >= 0; --k) {
      const int64_t step = nest.steps(more.apart[k])[1];
      clear = clear && step > reach;
      reach += step * (nest.size(more.apart[k]) - 1);
    }
    if (clear) axes = more;
  }
  return axes;
}

// An item is an element of the output.
struct AddOverlapping {
  const float* in;
  float* out;
  Walk<2> sum = {};  // over the axes that are not apart
  int apart = 0;
  Divider out_steps[Shape::kMaxRank] = {};
  int64_t sizes[Shape::kMaxRank] = {}, in_steps[Shape::kMaxRank] = {};

  __device__ void operator()(int64_t place) const {
    float total = out[place];
    bool found = false;
    for (int64_t i = 0; i < sum.items; ++i) {
      const Offsets<2> at = sum.at(i);
      int64_t from = at.in[0];
      if (!find(place - at.in[1], from)) continue;
      total += in[from];
      found = true;
    }
    if (found) out[place] = total;
  }

 private:
  // Adds the input's offset for the indices whose output offset is `rest`. False if there are none.
  __device__ bool find(int64_t rest, int64_t& from) const {
    if (rest < 0) return false;
    for (int axis = 0; axis < apart; ++axis) {
      const int64_t index = out_steps[axis].quotient(rest);
      if (index >= sizes[axis]) return false;
      rest -= index * out_steps[axis].divisor();
      from += index * in_steps[axis];
    }
    return rest == 0;
  }
};

// f32 only; the output's steps must not be negative.
inline void add_overlapping(const Queue& queue, const CopyJob& job, const ApartAxes& axes) {
  const LoopNest<2>& nest = job.nest;
  AddOverlapping add{.in = static_cast<const float*>(job.in), .out = static_cast<float*>(job.out)};
  LoopNest<2> others;
  int64_t places = 1;
  for (int axis = 0; axis < nest.rank(); ++axis) {
    places += nest.steps(axis)[1] * (nest.size(axis) - 1);
    if (!axes.is_apart(axis)) others.append(nest.size(axis), nest.steps(axis));
  }
  add.sum = walk_of(others);
  for (int i = 0; i < axes.count; ++i) {
    const auto [in_step, out_step] = nest.steps(axes.apart[i]);
    add.out_steps[add.apart] = Divider(out_step);
    add.sizes[add.apart] = nest.size(axes.apart[i]);
    add.in_steps[add.apart++] = in_step;
  }
  for_each(queue, places, add);
}

}  // namespace d2l::cuda
