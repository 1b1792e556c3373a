#include "framework/train/slice_sums.h"

#include "framework/base/rng.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using Floats = std::vector<float>;

// Of very different sizes, so that every order of additions has other bits.
Floats of_slice(int64_t slice, int64_t count) {
  Floats values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = random_uniform({7, static_cast<uint64_t>(slice)}, i) *
                static_cast<float>(int64_t{1} << (3 * slice % 20));
  return values;
}

// The balanced tree over slices [first, first + count).
Floats tree(int64_t first, int64_t count, int64_t size) {
  if (count == 1) return of_slice(first, size);
  Floats lower = tree(first, count / 2, size), upper = tree(first + count / 2, count / 2, size);
  for (size_t i = 0; i < lower.size(); ++i) lower[i] += upper[i];
  return lower;
}

TEST(SliceSums, AreABalancedTree) {
  constexpr int64_t kSize = 33;
  for (const int64_t slices : {1, 2, 4, 16}) {
    Tensor values(device(), {kSize});
    SliceSums sums(values, slices);
    for (int step = 0; step < 2; ++step) {  // the second one after the first
      for (int64_t slice = 0; slice < slices; ++slice) {
        values.copy_from(from_vector(device(), {kSize}, of_slice(slice, kSize)));
        sums.add(slice, 20, kSize);  // elements are added in parts, in any order
        sums.add(slice, 0, 20);
      }
      EXPECT_EQ(values.to_vector<float>(), tree(0, slices, kSize)) << slices << " slices";
    }
  }
}

TEST(SliceSums, RefuseOtherNumbersOfSlices) {
  const Tensor values(device(), {1});
  EXPECT_EQ(message_of([&] { SliceSums(values, 3); }),
            "slice sums: expected a power of two of slices, found 3");
  EXPECT_NE(message_of([&] { SliceSums(values, 0); }), "");
  SliceSums({}, 4).add(0);  // without elements
}

}  // namespace
}  // namespace d2l::test
