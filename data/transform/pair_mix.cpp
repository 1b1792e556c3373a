#include "data/transform/pair_mix.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "framework/base/error.h"

namespace d2l::data {
namespace {

constexpr double kWeightUnits = 1 << 24;

// Uniform in (0, 1).
double inner(uint32_t word) { return (static_cast<double>(word) + 0.5) / 4294967296.0; }

// Uniform in [0, count).
int64_t below(uint32_t word, int64_t count) {
  return static_cast<int64_t>(word * static_cast<uint64_t>(count) >> 32);
}

// The logarithm of a number of the gamma distribution: Marsaglia and Tsang, "A simple method for
// generating gamma variables", 2000. Their step for small parameters, in logarithms: numbers may be
// too small for a double.
double draw_log_gamma(double a, RngKey key) {
  const double d = a + 1 - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (uint64_t block = 0;; ++block) {
    const auto [radius, angle, limit, power] = philox(key, block).word;
    const double normal =
        std::sqrt(-2 * std::log(inner(radius))) * std::cos(2 * std::numbers::pi * inner(angle));
    if (1 + c * normal <= 0) continue;
    const double v = std::pow(1 + c * normal, 3);
    if (std::log(inner(limit)) > normal * normal / 2 + d - d * v + d * std::log(v)) continue;
    return std::log(d * v) + std::log(inner(power)) / a;
  }
}

// [begin, end) of `length` pixels around `centre`, limited to [0, size).
struct Side {
  int64_t begin, end;
  int64_t length() const { return end - begin; }
};
Side side_of(int64_t length, int64_t centre, int64_t size) {
  const int64_t begin = centre - length / 2;
  return {std::max<int64_t>(begin, 0), std::min(begin + length, size)};
}

float in_units(double weight) {
  return static_cast<float>(std::round(weight * kWeightUnits) / kWeightUnits);
}

PairMix rectangle(double weight, const Random4& words, const Extent& image) {
  const double part = std::sqrt(1 - weight);
  const auto length = [&](int64_t size) {
    return static_cast<int64_t>(part * static_cast<double>(size));
  };
  const Side rows = side_of(length(image.height), below(words.word[1], image.height), image.height);
  const Side columns = side_of(length(image.width), below(words.word[2], image.width), image.width);
  const auto inside = static_cast<double>(rows.length() * columns.length());
  return {.weight = in_units(1 - inside / static_cast<double>(image.height * image.width)),
          .top = rows.begin,
          .left = columns.begin,
          .bottom = rows.end,
          .right = columns.end};
}

}  // namespace

double draw_beta(double a, RngKey key) {
  const double one = draw_log_gamma(a, {key.seed, mix(key.stream, 0)});
  const double other = draw_log_gamma(a, {key.seed, mix(key.stream, 1)});
  return 1 / (1 + std::exp(other - one));
}

PairMix draw_pair_mix(const Augmentation& augmentation, RngKey key, int64_t pair,
                      const Extent& image) {
  check(augmentation.mixes_samples(), "expected mixup or cutmix, found none");
  const RngKey own{key.seed, mix(key.stream, static_cast<uint64_t>(pair))};
  const Random4 words = philox(own, 0);
  const bool both = augmentation.mixup > 0 && augmentation.cutmix > 0;
  const bool cuts = both ? words.word[0] >> 31 != 0 : augmentation.cutmix > 0;
  const double weight = draw_beta(cuts ? augmentation.cutmix : augmentation.mixup, own);
  if (cuts) return rectangle(weight, words, image);
  return {.weight = in_units(weight)};
}

}  // namespace d2l::data
