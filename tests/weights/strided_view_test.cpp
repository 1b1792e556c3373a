#include "framework/weights/strided_view.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "framework/base/rng.h"
#include "tests/support/support.h"

namespace d2l::weights::test {
namespace {

using d2l::test::message_of;

template <class Element>
void expect_gathered(const StridedView& view) {
  const ElementRange range = range_of(view).value();
  std::vector<Element> block(static_cast<size_t>(range.end - range.begin));
  std::iota(block.begin(), block.end(), Element{1});
  const auto* bytes = reinterpret_cast<const uint8_t*>(block.data());
  const std::vector<uint8_t> gathered =
      gather(view, {bytes, block.size() * sizeof(Element)}, sizeof(Element));
  ASSERT_EQ(gathered.size(), static_cast<size_t>(view.sizes.elements()) * sizeof(Element));
  for (int64_t i = 0; i < view.sizes.elements(); ++i) {
    int64_t at = view.offset - range.begin, rest = i;
    for (int axis = view.sizes.rank() - 1; axis >= 0; --axis) {
      at += rest % view.sizes[axis] * view.strides[static_cast<size_t>(axis)];
      rest /= view.sizes[axis];
    }
    Element element;
    std::memcpy(&element, gathered.data() + static_cast<size_t>(i) * sizeof(Element),
                sizeof(Element));
    ASSERT_EQ(element, block.at(static_cast<size_t>(at))) << view.sizes << " element " << i;
  }
}

TEST(StridedView, GathersEveryElementOfRandomViews) {
  uint64_t drawn = 0;
  const auto draw = [&](int64_t begin, int64_t end) {
    const auto word = random_word({5, 1}, drawn++);
    return begin + static_cast<int64_t>(word % static_cast<uint64_t>(end - begin));
  };
  int empty = 0;
  for (int i = 0; i < 500; ++i) {
    StridedView view;
    const int64_t rank = draw(0, 6);
    for (int64_t axis = 0; axis < rank; ++axis) {
      view.sizes.append(draw(i % 10 == 0 ? 0 : 1, 5));
      view.strides[static_cast<size_t>(axis)] = draw(-9, 10);
    }
    view.offset = draw(0, 1000);
    if (view.sizes.elements() == 0) ++empty;
    expect_gathered<uint8_t>(view);
    expect_gathered<uint16_t>(view);
    expect_gathered<uint32_t>(view);
    expect_gathered<uint64_t>(view);
  }
  EXPECT_GT(empty, 0);
}

TEST(StridedView, Contiguous) {
  EXPECT_TRUE(is_contiguous({.sizes = {}}));
  EXPECT_TRUE(is_contiguous({.sizes = {2, 3}, .strides = {3, 1}, .offset = 7}));
  EXPECT_TRUE(is_contiguous({.sizes = {2, 1, 3}, .strides = {3, 99, 1}}));
  EXPECT_TRUE(is_contiguous({.sizes = {1, 1}, .strides = {-5, 0}}));
  EXPECT_TRUE(is_contiguous({.sizes = {0, 3}, .strides = {9, 9}}));
  EXPECT_FALSE(is_contiguous({.sizes = {2, 3}, .strides = {1, 2}}));
  EXPECT_FALSE(is_contiguous({.sizes = {2, 3}, .strides = {4, 1}}));
  EXPECT_FALSE(is_contiguous({.sizes = {3}, .strides = {-1}}));
  EXPECT_FALSE(is_contiguous({.sizes = {3}, .strides = {0}}));
}

TEST(StridedView, Ranges) {
  const auto range = range_of({.sizes = {2, 3}, .strides = {-4, 1}, .offset = 10}).value();
  EXPECT_EQ(range.begin, 6);
  EXPECT_EQ(range.end, 13);
  EXPECT_FALSE(range_of({.sizes = {3}, .strides = {INT64_MAX}}));
  EXPECT_FALSE(range_of({.sizes = {2}, .strides = {INT64_MIN}, .offset = -1}));
  EXPECT_FALSE(range_of({.sizes = {1}, .offset = INT64_MAX}));
  EXPECT_EQ(message_of([] { gather({.sizes = {1}}, {}, 3); }),
            "expected elements of 1, 2, 4 or 8 bytes, found 3");
}

}  // namespace
}  // namespace d2l::weights::test
