#pragma once

#include <cstdint>

#include "framework/base/host_device.h"

// What prepare_images does to the two images of a pair, for all backends.

namespace d2l::images {

// A row of `pairs`: the other image, and pixels [top, bottom) x [left, right).
struct ImagePair {
  static constexpr int64_t kNumbers = 5;

  int64_t partner = 0, top = 0, left = 0, bottom = 0, right = 0;

  D2L_HOST_DEVICE static ImagePair of(const int64_t* pairs, int64_t image) {
    const int64_t* at = pairs + image * kNumbers;
    return {at[0], at[1], at[2], at[3], at[4]};
  }
  D2L_HOST_DEVICE bool has_rectangle() const { return top < bottom && left < right; }
  D2L_HOST_DEVICE bool contains(int64_t row, int64_t column) const {
    return row >= top && row < bottom && column >= left && column < right;
  }
};

// Both products are exact in double, because the weight is a multiple of 2^-24. So it makes no
// difference whether one is fused with the sum, and the average of equal values is this value.
D2L_HOST_DEVICE inline float averaged(float own, float other, float weight) {
  return static_cast<float>(double{weight} * double{own} + (1.0 - double{weight}) * double{other});
}

}  // namespace d2l::images
