#include "data/transform/pair_mix.h"

#include <gtest/gtest.h>

#include <cmath>

namespace d2l::data::test {
namespace {

// Mean 1/2, variance 1 / (4 (2 a + 1)), and equally many below and above 1/4 and 3/4.
TEST(PairMix, NumbersHaveTheMomentsOfTheBetaDistribution) {
  constexpr int kDraws = 20000;
  for (const double a : {1e-3, 0.2, 0.4, 1.0, 2.5, 30.0, 1e3}) {
    double sum = 0, squares = 0;
    int low = 0, high = 0;
    for (uint64_t i = 0; i < kDraws; ++i) {
      const double x = draw_beta(a, {7, i});
      ASSERT_GE(x, 0);
      ASSERT_LE(x, 1);
      sum += x;
      squares += (x - 0.5) * (x - 0.5);
      low += x < 0.25;
      high += x > 0.75;
    }
    const double variance = 1 / (4 * (2 * a + 1)), deviation = std::sqrt(variance / kDraws);
    EXPECT_NEAR(sum / kDraws, 0.5, 5 * deviation) << a;
    EXPECT_NEAR(squares / kDraws, variance, 0.05 * variance) << a;
    EXPECT_NEAR(low, high, 5 * std::sqrt(kDraws)) << a;
  }
}

// a = 1 is the uniform distribution.
TEST(PairMix, OneIsUniform) {
  std::vector<int> seen(10);
  for (uint64_t i = 0; i < 20000; ++i)
    ++seen[std::min<size_t>(static_cast<size_t>(draw_beta(1, {3, i}) * 10), 9)];
  for (const int count : seen) EXPECT_NEAR(count, 2000, 220);  // 5 standard deviations
}

TEST(PairMix, MixupHasWeightsAndNoRectangle) {
  for (int64_t pair = 0; pair < 1000; ++pair) {
    const PairMix found = draw_pair_mix({.mixup = 0.3}, {1, 2}, pair, {32, 48});
    EXPECT_EQ(found.bottom, 0);
    EXPECT_EQ(found.right, 0);
    const double units = double{found.weight} * (1 << 24);
    EXPECT_EQ(units, std::round(units));
    EXPECT_TRUE(found.weight >= 0 && found.weight <= 1);
  }
}

TEST(PairMix, CutmixHasTheWeightOfItsRectangle) {
  constexpr Extent kImage{32, 48};
  double expected = 0, found_sum = 0;
  int left = 0, limited = 0;
  for (int64_t pair = 0; pair < 4000; ++pair) {
    const PairMix found = draw_pair_mix({.cutmix = 1}, {1, 2}, pair, kImage);
    ASSERT_TRUE(found.top >= 0 && found.top <= found.bottom && found.bottom <= kImage.height);
    ASSERT_TRUE(found.left >= 0 && found.left <= found.right && found.right <= kImage.width);
    const auto area = static_cast<double>((found.bottom - found.top) * (found.right - found.left));
    ASSERT_NEAR(double{found.weight}, 1 - area / (32 * 48), 1e-7);
    left += found.left + found.right < kImage.width;
    limited += found.left == 0 || found.right == kImage.width;
    found_sum += area / (32 * 48);
    expected += 0.5;
  }
  EXPECT_NEAR(left, 2000, 250);
  EXPECT_GT(limited, 1000);
  EXPECT_LT(found_sum, 0.8 * expected);  // what is outside the image is missing
  EXPECT_GT(found_sum, 0.4 * expected);
}

TEST(PairMix, OneOfBothIsDrawnForEachPair) {
  int cuts = 0;
  for (int64_t pair = 0; pair < 4000; ++pair) {
    const PairMix found = draw_pair_mix({.mixup = 1, .cutmix = 1}, {1, 2}, pair, {224, 224});
    cuts += found.bottom > 0;
  }
  EXPECT_NEAR(cuts, 2000, 160);
}

TEST(PairMix, DependsOnKeyAndPair) {
  const auto weight = [](RngKey key, int64_t pair) {
    return draw_pair_mix({.mixup = 1}, key, pair, {4, 4}).weight;
  };
  EXPECT_EQ(weight({1, 2}, 3), weight({1, 2}, 3));
  EXPECT_NE(weight({1, 2}, 3), weight({1, 2}, 4));
  EXPECT_NE(weight({1, 2}, 3), weight({1, 3}, 3));
  EXPECT_NE(weight({1, 2}, 3), weight({2, 2}, 3));
}

}  // namespace
}  // namespace d2l::data::test
