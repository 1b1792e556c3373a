#include "framework/base/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

namespace d2l::test {
namespace {

struct KnownAnswer {
  RngKey key;      // key words: seed; counter words 2 and 3: stream
  uint64_t block;  // counter words 0 and 1
  uint32_t expected[4];
};

// From the authors' known-answer tests (kat_vectors, philox4x32 with 10 rounds).
TEST(Philox, KnownAnswers) {
  const KnownAnswer answers[] = {
      {{0, 0}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{~0ull, ~0ull}, ~0ull, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x299f31d0a4093822, 0x0370734413198a2e},
       0x85a308d3243f6a88,
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (const KnownAnswer& answer : answers) {
    Random4 found = philox(answer.key, answer.block);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(found.word[i], answer.expected[i]) << i;
  }
}

TEST(Rng, WordsAreTheBlocksInOrder) {
  const RngKey key{7, 9};
  for (uint64_t index = 0; index < 40; ++index)
    EXPECT_EQ(random_word(key, index), philox(key, index / 4).word[index % 4]);
}

TEST(Rng, UnitIsBelowOneAndExact) {
  EXPECT_EQ(to_unit(0), 0.0f);
  EXPECT_EQ(to_unit(0xffffffff), 1.0f - 0x1p-24f);
  EXPECT_EQ(to_unit(0x80000000), 0.5f);
  EXPECT_EQ(to_unit(255), 0.0f);
}

TEST(Rng, UniformHasTheRightMoments) {
  constexpr int kCount = 200000;
  double sum = 0, squares = 0;
  for (uint64_t i = 0; i < kCount; ++i) {
    double value = random_uniform({1, 2}, i);
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kCount, 0.5, 0.003);  // 0.29 / sqrt(n) = 0.00065
  EXPECT_NEAR(squares / kCount, 1.0 / 3, 0.003);
}

TEST(Rng, NormalHasTheRightMoments) {
  constexpr int kCount = 200000;
  double sum = 0, squares = 0, fourths = 0;
  for (uint64_t i = 0; i < kCount; ++i) {
    double value = random_normal({1, 2}, i);
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
    fourths += value * value * value * value;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.01);
  EXPECT_NEAR(squares / kCount, 1, 0.015);
  EXPECT_NEAR(fourths / kCount, 3, 0.12);
}

TEST(Rng, BelowIsEvenAndInRange) {
  std::vector<int> counts(7);
  for (uint64_t i = 0; i < 70000; ++i) {
    uint64_t value = random_below({3, 4}, i, 7);
    ASSERT_LT(value, 7u);
    ++counts[value];
  }
  for (int count : counts) EXPECT_NEAR(count, 10000, 400);
  EXPECT_EQ(random_below({3, 4}, 0, 1), 0u);
  uint64_t largest = 0;
  for (uint64_t i = 0; i < 100; ++i)
    largest = std::max(largest, random_below({3, 4}, i, uint64_t{1} << 63));
  EXPECT_GT(largest, uint64_t{1} << 62);  // the upper words are used
}

TEST(Rng, KeysAreApart) {
  std::set<uint32_t> words;
  for (uint64_t seed = 0; seed < 10; ++seed)
    for (uint64_t stream = 0; stream < 10; ++stream) words.insert(random_word({seed, stream}, 0));
  EXPECT_EQ(words.size(), 100u);
  std::set<uint64_t> streams;
  for (uint64_t stream = 0; stream < 30; ++stream)
    for (uint64_t part = 0; part < 30; ++part) streams.insert(mix(stream, part));
  EXPECT_EQ(streams.size(), 900u);
}

// Published FNV-1a values: initial weights depend on them.
TEST(Rng, StreamsOfNames) {
  EXPECT_EQ(stream_of(""), 0xcbf29ce484222325u);
  EXPECT_EQ(stream_of("a"), 0xaf63dc4c8601ec8cu);
  EXPECT_EQ(stream_of("foobar"), 0x85944171f73967e8u);
}

}  // namespace
}  // namespace d2l::test
