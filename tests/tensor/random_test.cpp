#include "framework/tensor/random.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "framework/tensor/elementwise.h"
#include "framework/tensor/reduce.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

TEST(Random, DrawsTheSameNumbersAgain) {
  const UseBackend use(device());
  Random a(1), b(1), other(2);
  const Tensor first = a.normal({1000}), second = a.normal({1000});
  EXPECT_TRUE(close(b.normal({1000}), first, 0, 0));
  EXPECT_TRUE(close(b.normal({1000}), second, 0, 0));
  EXPECT_GT(double(sum(abs(first - second))), 100);
  EXPECT_GT(double(sum(abs(first - other.normal({1000})))), 100);
}

TEST(Random, DrawsFromTheseDistributions) {
  const UseBackend use(device());
  Random random(0);
  const Tensor normal = random.normal({10000}, 3, 2), uniform = random.uniform({10000}, -1, 3);
  EXPECT_NEAR(double(mean(normal)), 3, 0.1);
  EXPECT_NEAR(double(mean(square(normal - 3))), 4, 0.3);
  EXPECT_NEAR(double(mean(uniform)), 1, 0.1);
  EXPECT_GE(double(min(uniform)), -1);
  EXPECT_LT(double(max(uniform)), 3);
}

TEST(Random, PermutesEvenly) {
  Random random(0);
  std::vector<int64_t> sums(5);
  for (int i = 0; i < 2000; ++i) {
    std::vector<int64_t> order = random.permutation(5);
    for (size_t place = 0; place < 5; ++place) sums[place] += order[place];
    std::ranges::sort(order);
    ASSERT_EQ(order, (std::vector<int64_t>{0, 1, 2, 3, 4}));
  }
  for (const int64_t sum : sums) EXPECT_NEAR(static_cast<double>(sum) / 2000, 2, 0.15);
  EXPECT_TRUE(random.permutation(0).empty());
  EXPECT_THROW(random.permutation(-1), Error);
}

}  // namespace
}  // namespace d2l::test
