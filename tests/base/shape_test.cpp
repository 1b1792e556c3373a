#include "framework/base/shape.h"

#include <gtest/gtest.h>

#include "framework/base/error.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

TEST(Shape, SizesAndElements) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape.elements(), 24);
  EXPECT_EQ(shape.elements(1, 3), 12);
  EXPECT_EQ(shape.elements(1, 1), 1);
  EXPECT_EQ(shape.size(0), 2);
  EXPECT_EQ(shape.size(-1), 4);
  EXPECT_EQ(shape.size(-3), 2);
  EXPECT_EQ(shape.to_string(), "[2, 3, 4]");
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ(Shape{}.to_string(), "[]");
  EXPECT_EQ((Shape{5, 0}.elements()), 0);
}

TEST(Shape, AxesOutOfRange) {
  const Shape shape{2, 3};
  EXPECT_EQ(shape.axis_index(-2), 0);
  EXPECT_EQ(message_of([&] { shape.size(2); }), "axis 2 is outside a shape of rank 2 [2, 3]");
  EXPECT_EQ(message_of([&] { shape.size(-3); }), "axis -3 is outside a shape of rank 2 [2, 3]");
  EXPECT_EQ(message_of([&] { Shape{}.size(0); }), "axis 0 is outside a shape of rank 0 []");
}

TEST(Shape, RefusesTooManyAxesAndNegativeSizes) {
  EXPECT_EQ((Shape{1, 2, 3, 4, 5, 6, 7, 8}.rank()), 8);
  EXPECT_NE(message_of([] { Shape{1, 2, 3, 4, 5, 6, 7, 8, 9}; }).find("at most 8 axes"),
            std::string::npos);
  EXPECT_NE(message_of([] {
              Shape{2, -1};
            }).find("must not be negative, found -1"),
            std::string::npos);
}

TEST(Shape, Changes) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.without_axis(1), (Shape{2, 4}));
  EXPECT_EQ(shape.without_axis(-1), (Shape{2, 3}));
  EXPECT_EQ(shape.with_size(-1, 1), (Shape{2, 3, 1}));
  EXPECT_EQ(Shape(std::vector<int64_t>{2, 3, 4}), shape);
  EXPECT_FALSE(shape == (Shape{2, 3}));
  EXPECT_FALSE(shape == (Shape{2, 3, 5}));
  EXPECT_EQ(Shape{3}.without_axis(0), Shape{});
}

TEST(Shape, Broadcasts) {
  EXPECT_EQ(broadcast({2, 3}, {3}), (Shape{2, 3}));
  EXPECT_EQ(broadcast({3}, {2, 3}), (Shape{2, 3}));
  EXPECT_EQ(broadcast({}, {2, 3}), (Shape{2, 3}));
  EXPECT_EQ(broadcast({4, 1}, {1, 5}), (Shape{4, 5}));
  EXPECT_EQ(broadcast({2, 1, 4}, {3, 1}), (Shape{2, 3, 4}));
  EXPECT_EQ(broadcast({0, 3}, {1, 3}), (Shape{0, 3}));
  EXPECT_EQ(message_of([] {
              broadcast({2, 3}, {4});
            }),
            "shapes [2, 3] and [4] do not broadcast: sizes 3 and 4 differ and neither is 1");
}

}  // namespace
}  // namespace d2l::test
