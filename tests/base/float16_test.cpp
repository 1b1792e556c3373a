#include "framework/base/float16.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace d2l::test {
namespace {

Float16 of_bits(uint32_t bits) { return std::bit_cast<Float16>(static_cast<uint16_t>(bits)); }
uint32_t bits_of(Float16 value) { return std::bit_cast<uint16_t>(value); }
uint32_t rounded(double value) { return bits_of(Float16(static_cast<float>(value))); }

// The value of a bit pattern by the format's definition.
double defined(uint32_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 1023);
  const double sign = bits >> 15 != 0 ? -1 : 1;
  if (exponent == 31) return fraction != 0 ? std::nan("") : sign * INFINITY;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Float16, EveryPatternIsTheNumberOfItsDefinitionAndComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float value = of_bits(bits);
    const double wanted = defined(bits);
    if (std::isnan(wanted)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_TRUE(std::isnan(static_cast<float>(Float16(value)))) << bits;
      continue;
    }
    ASSERT_EQ(value, wanted) << bits;
    ASSERT_EQ(std::signbit(value), bits >> 15 != 0) << bits;
    ASSERT_EQ(rounded(wanted), bits);
  }
}

// Between two neighbours, the midpoint rounds to the even one, all other values to the nearer one.
TEST(Float16, RoundsToTheNearestTiesToEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const double low = defined(bits), high = defined(bits + 1), middle = (low + high) / 2;
    const auto m = static_cast<float>(middle);
    ASSERT_EQ(static_cast<double>(m), middle);
    const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(rounded(middle), even) << low;
    ASSERT_EQ(rounded(-middle), even | 0x8000u) << low;
    ASSERT_EQ(bits_of(Float16(std::nextafter(m, 0.0f))), bits) << low;
    ASSERT_EQ(bits_of(Float16(std::nextafter(m, 1e9f))), bits + 1) << low;
  }
}

TEST(Float16, OverflowsToInfinity) {
  EXPECT_EQ(rounded(65504), 0x7bffu);
  EXPECT_EQ(bits_of(Float16(std::nextafter(65520.0f, 0.0f))), 0x7bffu);
  EXPECT_EQ(rounded(65520), 0x7c00u);
  EXPECT_EQ(rounded(-65520), 0xfc00u);
  EXPECT_EQ(rounded(1e30), 0x7c00u);
  EXPECT_EQ(rounded(-INFINITY), 0xfc00u);
}

TEST(Float16, SmallNumbersVanishBelowHalfTheSmallest) {
  EXPECT_EQ(rounded(std::ldexp(1, -24)), 1u);
  EXPECT_EQ(rounded(std::ldexp(1, -25)), 0u);
  EXPECT_EQ(rounded(std::ldexp(1.0001, -25)), 1u);
  EXPECT_EQ(rounded(-std::ldexp(1, -26)), 0x8000u);
  EXPECT_EQ(bits_of(Float16(std::numeric_limits<float>::denorm_min())), 0u);
}

TEST(Float16, NaNStaysNaN) {
  // A NaN whose payload is only in the lost bits.
  EXPECT_TRUE(std::isnan(static_cast<float>(Float16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_FALSE(Float16(std::nanf("")) == Float16(std::nanf("")));
}

TEST(Float16, ComparesAsNumbersAndIsMadeOfAny) {
  EXPECT_TRUE(Float16(0.0f) == Float16(-0.0f));
  EXPECT_TRUE(Float16{} == Float16(0));
  EXPECT_EQ(static_cast<float>(Float16(2049)), 2048);
  EXPECT_EQ(static_cast<float>(Float16(0.1)), 0.0999755859375f);
}

}  // namespace
}  // namespace d2l::test
