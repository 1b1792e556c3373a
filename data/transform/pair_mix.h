#pragma once

#include <cstdint>

#include "framework/backend/augmentation.h"
#include "framework/backend/params.h"
#include "framework/base/rng.h"

namespace d2l::data {

// How two images are mixed: see Kernels::ImageOperands. Both have the same numbers.
struct PairMix {
  float weight = 1;  // of an image's own label
  int64_t top = 0, left = 0, bottom = 0,
          right = 0;  // the rectangle; empty: the images are averaged
};

// A number of the beta distribution with both parameters equal to `a`, from kLeastBeta to
// kMostBeta.
inline constexpr double kLeastBeta = 1e-3, kMostBeta = 1e3;
double draw_beta(double a, RngKey key);

// Draws the numbers of a pair for mixup or cutmix; if both are on, for one of them with probability
// 1/2. `pair` is the smaller one of the two samples' numbers. cutmix: the rectangle's centre is
// uniform in the image, its part of the image's area is 1 - weight before it is limited to the
// image; then the weight becomes the exact part of the image outside of it.
PairMix draw_pair_mix(const Augmentation& augmentation, RngKey key, int64_t pair,
                      const Extent& image);

}  // namespace d2l::data
