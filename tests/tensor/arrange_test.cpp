#include "framework/tensor/arrange.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "framework/tensor/create.h"
#include "tests/support/support.h"
#include "tests/tensor/reference.h"

namespace d2l {
namespace {

using test::close;
using test::device;
using test::Dice;
using test::message_of;
using testing::HasSubstr;

TEST(Concat, AlongEachAxis) {
  Tensor x = arange(device(), 4).reshape({2, 2}), y = from_list(device(), {{8, 9}, {6, 7}});
  Tensor below = concat({x, y}, 0), beside = concat({x, y}, 1);
  EXPECT_EQ(below.shape(), (Shape{4, 2}));
  EXPECT_TRUE(close(below, {0, 1, 2, 3, 8, 9, 6, 7}));
  EXPECT_EQ(beside.shape(), (Shape{2, 4}));
  EXPECT_TRUE(close(beside, {0, 1, 8, 9, 2, 3, 6, 7}));
  EXPECT_TRUE(close(concat({x, y}, -1), beside));
}

TEST(Concat, PartsOfDifferentLengthAndDtype) {
  Tensor a = ones(device(), {2, 1}), b = zeros(device(), {2, 0}), c = full(device(), {2, 2}, 3);
  EXPECT_TRUE(close(concat({a, b, c}, 1), {1, 3, 3, 1, 3, 3}));
  Tensor labels = concat({arange(device(), 2, DType::i64), arange(device(), 3, DType::i64)});
  EXPECT_EQ(labels.to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 0, 1, 2}));
  EXPECT_EQ(concat({b, b}).shape(), (Shape{4, 0}));
}

TEST(Concat, SaysWhatDoesNotFit) {
  Tensor x = zeros(device(), {2, 3});
  EXPECT_EQ(message_of([&] {
              concat({x, zeros(device(), {3, 4})}, 0);
            }),
            "concat: part 0 is [2, 3], part 1 is [3, 4]: they may only differ along axis 0");
  EXPECT_THAT(message_of([&] {
                concat({x, x, zeros(device(), {2})}, 0);
              }),
              HasSubstr("concat: part 0 is [2, 3], part 2 is [2]"));
  EXPECT_EQ(message_of([&] {
              concat({x, zeros(device(), {2, 3}, DType::i64)}, 0);
            }),
            "concat: part 0 is f32, part 1 is i64");
  EXPECT_EQ(message_of([&] {
              concat({x, x}, 2);
            }),
            "concat: axis 2 is outside [2, 3], which has 2 axes");
  EXPECT_THAT(message_of([&] { concat(std::vector<Tensor>{}); }), HasSubstr("at least one tensor"));
}

TEST(Stack, AlongANewAxis) {
  Tensor x = from_list(device(), {1, 2, 3}), y = from_list(device(), {4, 5, 6});
  EXPECT_EQ(stack({x, y}).shape(), (Shape{2, 3}));
  EXPECT_TRUE(close(stack({x, y}), {1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(close(stack({x, y}, 1), {1, 4, 2, 5, 3, 6}));
  EXPECT_TRUE(close(stack({x, y}, -1), {1, 4, 2, 5, 3, 6}));
  EXPECT_TRUE(close(stack({full(device(), {}, 1), full(device(), {}, 2)}), {1, 2}));
  EXPECT_THAT(message_of([&] {
                stack({x, zeros(device(), {2})});
              }),
              HasSubstr("stack: part 0 is [3], part 1 is [2]"));
  EXPECT_THAT(message_of([&] { stack({x, y}, 2); }), HasSubstr("stack: the new axis 2"));
}

TEST(Permute, FuzzAgainstLoops) {
  Dice dice(3);
  for (int round = 0; round < 400; ++round) {
    Shape shape = dice.shape(5, 6);
    std::vector<int> axes(static_cast<size_t>(shape.rank()));
    std::iota(axes.begin(), axes.end(), 0);
    for (size_t i = axes.size(); i > 1; --i)
      std::swap(axes[i - 1],
                axes[static_cast<size_t>(dice.between(0, static_cast<int64_t>(i) - 1))]);
    Shape turned;
    for (int axis : axes) turned.append(shape[axis]);
    std::vector<float> values = dice.values(shape.elements()), expected;
    test::for_each_index(turned, [&](const std::vector<int64_t>& index) {
      std::vector<int64_t> original(index.size());
      for (size_t i = 0; i < index.size(); ++i) original[static_cast<size_t>(axes[i])] = index[i];
      expected.push_back(values[test::element_of(shape, original)]);
    });
    Tensor result = permute(from_vector(device(), shape, values), axes);
    ASSERT_EQ(result.shape(), turned);
    ASSERT_EQ(result.to_vector<float>(), expected) << shape << " to " << turned;
  }
}

TEST(Permute, SaysWhatDoesNotFit) {
  Tensor x = zeros(device(), {2, 3});
  EXPECT_EQ(permute(x, {-1, 0}).shape(), (Shape{3, 2}));
  EXPECT_EQ(message_of([&] { permute(x, {0}); }),
            "permute: [2, 3] has 2 axes, found an order of 1");
  EXPECT_EQ(message_of([&] { permute(x, {0, 0}); }), "permute: axis 0 of [2, 3] is named twice");
  EXPECT_THAT(message_of([&] { permute(x, {0, 2}); }), HasSubstr("permute: axis 2 is outside"));
}

TEST(Transpose, LastTwoAxes) {
  Tensor x = from_list(device(), {{1, 2, 3}, {4, 5, 6}});
  EXPECT_EQ(transpose(x).shape(), (Shape{3, 2}));
  EXPECT_TRUE(close(transpose(x), {1, 4, 2, 5, 3, 6}));
  EXPECT_TRUE(close(transpose(stack({x, x})).reshape({2, 6})[1], {1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(transpose(zeros(device(), {3, 0})).shape(), (Shape{0, 3}));
  EXPECT_EQ(message_of([&] { transpose(x[0]); }), "transpose: expected at least 2 axes, found [3]");
}

TEST(BroadcastTo, RepeatsAxes) {
  Tensor row = from_list(device(), {1, 2});
  EXPECT_TRUE(close(broadcast_to(row, {2, 2}), {1, 2, 1, 2}));
  EXPECT_TRUE(close(broadcast_to(row.reshape({2, 1}), {2, 3}), {1, 1, 1, 2, 2, 2}));
  EXPECT_TRUE(close(broadcast_to(full(device(), {}, 4), {3}), {4, 4, 4}));
  EXPECT_EQ(broadcast_to(row, {0, 2}).shape(), (Shape{0, 2}));
  EXPECT_NE(broadcast_to(row, {2}).view().data, row.view().data);
  EXPECT_EQ(message_of([&] {
              broadcast_to(row, {2, 3});
            }),
            "broadcast_to: [2] does not broadcast to [2, 3]");
}

TEST(BroadcastTo, FuzzAgainstLoops) {
  Dice dice(11);
  for (int round = 0; round < 300; ++round) {
    Shape wide = dice.shape(5, 5), narrow;
    for (int64_t axis = dice.between(0, wide.rank()); axis < wide.rank(); ++axis)
      narrow.append(dice.chance(0.5) ? 1 : wide[static_cast<int>(axis)]);
    std::vector<float> values = dice.values(narrow.elements()), expected;
    test::for_each_index(wide, [&](const std::vector<int64_t>& index) {
      expected.push_back(values[test::element_of(narrow, index)]);
    });
    Tensor result = broadcast_to(from_vector(device(), narrow, values), wide);
    ASSERT_EQ(result.to_vector<float>(), expected) << narrow << " to " << wide;
  }
}

TEST(OneHot, MarksTheLabel) {
  Tensor labels = from_vector<int64_t>(device(), {3}, {2, 0, 1});
  Tensor marked = one_hot(labels, 3);
  EXPECT_EQ(marked.dtype(), DType::f32);
  EXPECT_TRUE(close(marked, {0, 0, 1, 1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(one_hot(zeros(device(), {0}, DType::i64), 4).shape(), (Shape{0, 4}));
  EXPECT_EQ(message_of([&] { one_hot(labels, 2); }),
            "one_hot: label 2 at position 0 is outside the 2 classes");
  EXPECT_THAT(message_of([] { one_hot(full(device(), {1}, -1, DType::i64), 2); }),
              HasSubstr("one_hot: label -1"));
  EXPECT_EQ(message_of([] { one_hot(zeros(device(), {2}), 2); }),
            "one_hot: expected i64, found f32");
}

}  // namespace
}  // namespace d2l
