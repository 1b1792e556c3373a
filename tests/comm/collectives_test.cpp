#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/comm/mpi_main.h"
#include "tests/comm/raw_mpi.h"

namespace d2l {
namespace {

using namespace test;

const std::vector<int64_t> kSizes = {0,      1,      2,      3,      15,       16,    17,
                                     31,     1000,   1023,   2049,   4097,     65537, 131073,
                                     262143, 262144, 262145, 524289, 2'621'440};

template <class T>
class Sums : public testing::Test {};
using Summable = testing::Types<float, double, int64_t>;
TYPED_TEST_SUITE(Sums, Summable);

TYPED_TEST(Sums, EqualMpisOwn) {
  for (int64_t count : kSizes) {
    auto values = whole_numbers<TypeParam>(session().rank(), 1, count);
    const auto expected = raw_all_reduce(values);
    comm().all_reduce(view(values));
    ASSERT_EQ(values, expected) << count << " elements";
  }
}

TYPED_TEST(Sums, HaveTheSameBitsOnEveryRankAndEachTime) {
  for (int64_t count : kSizes) {
    const auto mine = fractions<TypeParam>(session().rank(), 2, count);
    auto first = mine, second = mine;
    comm().all_reduce(view(first));
    auto in_between = whole_numbers<TypeParam>(session().rank(), 3, 5000);
    const auto other = comm().start_all_reduce(view(in_between));
    comm().all_reduce(view(second));
    comm().wait(other);
    ASSERT_TRUE(same_everywhere(first)) << count << " elements";
    ASSERT_EQ(hash_of(first), hash_of(second)) << count << " elements";
    const auto rough = raw_all_reduce(mine);
    for (size_t i = 0; i < first.size(); ++i)
      ASSERT_NEAR(static_cast<double>(first[i]), static_cast<double>(rough[i]), 1e-5) << i;
  }
}

// The sum over ranks [first, first + count) as a balanced binary tree.
template <class T>
std::vector<T> tree_of(int first, int count, int64_t elements) {
  if (count == 1) return fractions<T>(first, 5, elements);
  std::vector<T> lower = tree_of<T>(first, count / 2, elements);
  const std::vector<T> upper = tree_of<T>(first + count / 2, count / 2, elements);
  for (size_t i = 0; i < lower.size(); ++i) lower[i] += upper[i];
  return lower;
}

// SliceSums continue this tree on each rank.
TYPED_TEST(Sums, OfAPowerOfTwoOfRanksAreBalancedTrees) {
  const int ranks = session().size();
  if ((ranks & (ranks - 1)) != 0) return;
  for (const int64_t count : kSizes) {
    auto values = fractions<TypeParam>(session().rank(), 5, count);
    comm().all_reduce(view(values));
    ASSERT_EQ(hash_of(values), hash_of(tree_of<TypeParam>(0, ranks, count))) << count;
  }
}

TYPED_TEST(Sums, RandomSizesAndPlacesInAnArray) {
  for (uint64_t round = 0; round < 60; ++round) {
    const int64_t count = static_cast<int64_t>(random_below({4, 4}, 2 * round, 40'000));
    const int64_t before = static_cast<int64_t>(random_below({4, 4}, 2 * round + 1, 70));
    auto arena = whole_numbers<TypeParam>(session().rank(), round, before + count + 9);
    const auto original = arena;
    const std::vector<TypeParam> part(arena.begin() + before, arena.begin() + before + count);
    const auto expected = raw_all_reduce(part);
    comm().all_reduce({arena.data() + before, dtype_of<TypeParam>(), {count}});
    for (int64_t i = 0; i < static_cast<int64_t>(arena.size()); ++i) {
      const size_t at = static_cast<size_t>(i);
      const bool inside = i >= before && i < before + count;
      ASSERT_EQ(arena[at], inside ? expected[static_cast<size_t>(i - before)] : original[at]) << i;
    }
  }
}

TEST(Sums, NotANumberHasTheSameBitsEverywhere) {
  for (size_t count : {3u, 5000u}) {
    std::vector<float> values(count, static_cast<float>(session().rank()));
    // a different payload on every rank
    const uint32_t bits = 0x7FC00000u + static_cast<uint32_t>(session().rank()) + 1;
    std::memcpy(&values[1], &bits, 4);
    values[2] = session().rank() % 2 ? std::numeric_limits<float>::infinity() : 1.0f;
    comm().all_reduce(view(values));
    EXPECT_TRUE(same_everywhere(values));
    EXPECT_TRUE(std::isnan(values[1]));
    EXPECT_EQ(std::isinf(values[2]), session().size() > 1);
  }
}

// Pieces of large arrays are scattered one by one.
TEST(Parts, HaveTheBitsOfAnAllReduceAndCanBeGathered) {
  for (const int64_t count : kSizes) {
    auto expected = fractions<float>(session().rank(), 8, count);
    auto values = expected;
    comm().all_reduce(view(expected));
    comm().wait(comm().start({Collective::Kind::reduce_scatter, view(values)}));
    std::vector<float> own(values.size(), 0.0f);
    std::vector<int64_t> owners(values.size(), 0);
    for (const Range& part : comm().parts(count))
      for (int64_t i = part.begin; i < part.end; ++i) {
        const auto at = static_cast<size_t>(i);
        ASSERT_EQ(values[at], expected[at]) << count << " elements, " << i;
        own[at] = values[at];
        owners[at] = 1;
      }
    ASSERT_EQ(raw_all_reduce(owners), std::vector<int64_t>(owners.size(), 1)) << count;
    comm().wait(comm().start({Collective::Kind::gather_parts, view(own)}));
    ASSERT_EQ(hash_of(own), hash_of(expected)) << count << " elements";
  }
}

template <class T>
class Moves : public testing::Test {};
using Movable = testing::Types<float, double, int32_t, int64_t, uint8_t>;
TYPED_TEST_SUITE(Moves, Movable);

TYPED_TEST(Moves, BroadcastFromEveryRoot) {
  for (int root = 0; root < session().size(); ++root) {
    for (int64_t count : {0, 1, 1001, 300'000}) {
      auto values = whole_numbers<TypeParam>(session().rank(), 5, count);
      comm().broadcast(view(values), root);
      ASSERT_EQ(values, whole_numbers<TypeParam>(root, 5, count)) << "root " << root;
    }
  }
}

TYPED_TEST(Moves, GatherInRankOrder) {
  for (int64_t count : {0, 1, 1001, 100'000}) {
    auto mine = whole_numbers<TypeParam>(session().rank(), 6, count);
    std::vector<TypeParam> all(mine.size() * static_cast<size_t>(session().size()));
    comm().all_gather(view(mine), view(all));
    std::vector<TypeParam> expected;
    for (int rank = 0; rank < session().size(); ++rank)
      for (TypeParam value : whole_numbers<TypeParam>(rank, 6, count)) expected.push_back(value);
    ASSERT_EQ(all, expected) << count << " elements";
  }
}

TEST(Moves, BroadcastOfSeveralParts) {
  const int64_t bytes = (64 << 20) + 12345;
  std::vector<uint8_t> values(static_cast<size_t>(bytes),
                              static_cast<uint8_t>(session().rank() + 1));
  comm().broadcast(view(values), session().size() - 1);
  EXPECT_EQ(values.front(), session().size());
  EXPECT_EQ(values[64 << 20], session().size());
  EXPECT_EQ(values.back(), session().size());
}

}  // namespace
}  // namespace d2l
