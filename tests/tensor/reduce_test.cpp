#include "framework/tensor/reduce.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "framework/tensor/create.h"
#include "tests/support/support.h"
#include "tests/tensor/reference.h"

namespace d2l {
namespace {

using test::close;
using test::device;
using test::Dice;
using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Reduce, OverEverything) {
  Tensor x = from_list(device(), {{1, -2, 3}, {4, 5, -6}});
  EXPECT_EQ(sum(x).rank(), 0);
  EXPECT_EQ(sum(x).item<float>(), 5);
  EXPECT_NEAR(mean(x).item<float>(), 5.0 / 6, 1e-6);
  EXPECT_EQ(max(x).item<float>(), 5);
  EXPECT_EQ(min(x).item<float>(), -6);
  EXPECT_EQ(sum(x, {}, KeepDims::yes).shape(), (Shape{1, 1}));
}

TEST(Reduce, OverAxes) {
  Tensor x = arange(device(), 24).reshape({2, 3, 4});
  EXPECT_EQ(sum(x, {0}).shape(), (Shape{3, 4}));
  EXPECT_EQ(sum(x, {1}, KeepDims::yes).shape(), (Shape{2, 1, 4}));
  EXPECT_EQ(sum(x, {-1}).shape(), (Shape{2, 3}));
  EXPECT_TRUE(close(sum(x, {-1}), {6, 22, 38, 54, 70, 86}));
  EXPECT_TRUE(close(sum(x, {0, 2}), {60, 92, 124}));
  EXPECT_TRUE(close(sum(x, {2, 0}), {60, 92, 124}));
  EXPECT_TRUE(close(mean(x, {0, -1}), {7.5f, 11.5f, 15.5f}));
  EXPECT_TRUE(close(max(x, {1, 2}), {11, 23}));
  EXPECT_TRUE(close(min(x, {0, 1}), {0, 1, 2, 3}));
}

TEST(Reduce, ScalarsAndAxesOfSizeOne) {
  Tensor scalar = full(device(), {}, 4);
  EXPECT_EQ(sum(scalar).item<float>(), 4);
  EXPECT_EQ(mean(scalar).item<float>(), 4);
  Tensor x = from_list(device(), {{1, 2, 3}});
  EXPECT_EQ(max(x, {0}).shape(), (Shape{3}));
  EXPECT_TRUE(close(max(x, {0}), {1, 2, 3}));
}

TEST(Reduce, OfNothing) {
  Tensor x = zeros(device(), {0, 3});
  EXPECT_EQ(sum(x).item<float>(), 0);
  EXPECT_TRUE(close(sum(x, {0}), {0, 0, 0}));
  EXPECT_EQ(sum(x, {1}).shape(), (Shape{0}));
  EXPECT_EQ(max(x, {1}).shape(), (Shape{0}));
  EXPECT_EQ(message_of([&] { max(x); }), "max: [0, 3] has no elements along the axes");
  EXPECT_EQ(message_of([&] { min(x, {0}); }), "min: [0, 3] has no elements along the axes");
  EXPECT_EQ(message_of([&] { mean(x); }), "mean: [0, 3] has no elements along the axes");
}

TEST(Reduce, SaysWhatDoesNotFit) {
  Tensor x = zeros(device(), {2, 3});
  EXPECT_EQ(message_of([&] { sum(x, {2}); }), "sum: axis 2 is outside [2, 3], which has 2 axes");
  EXPECT_THAT(message_of([&] { mean(x, {-3}); }), HasSubstr("mean: axis -3 is outside [2, 3]"));
  EXPECT_EQ(message_of([&] { max(x, {1, -1}); }), "max: axis -1 of [2, 3] is named twice");
  EXPECT_THAT(message_of([] { sum(zeros(device(), {2}, DType::u8)); }),
              HasSubstr("sum: expected f32, found u8"));
}

TEST(Reduce, FuzzAgainstLoops) {
  Dice dice(99);
  for (int round = 0; round < 500; ++round) {
    Shape shape = dice.shape(5, 6);
    std::vector<int> axes;
    std::vector<bool> gone(static_cast<size_t>(shape.rank()), false);
    for (int axis = 0; axis < shape.rank(); ++axis)
      if (dice.chance(0.5)) {
        axes.push_back(dice.chance(0.5) ? axis : axis - shape.rank());
        gone[static_cast<size_t>(axis)] = true;
      }
    Shape kept = shape;
    for (int axis = 0; axis < shape.rank(); ++axis)
      if (axes.empty() || gone[static_cast<size_t>(axis)]) kept[axis] = 1;
    std::vector<float> values = dice.values(shape.elements());
    auto groups = static_cast<size_t>(kept.elements());
    std::vector<float> sums(groups, 0), most(groups, -HUGE_VALF), least(groups, HUGE_VALF);
    size_t next = 0;
    test::for_each_index(shape, [&](const std::vector<int64_t>& index) {
      size_t group = test::element_of(kept, index);
      sums[group] += values[next];
      most[group] = std::max(most[group], values[next]);
      least[group] = std::min(least[group], values[next]);
      ++next;
    });
    std::vector<float> means = sums;
    for (float& value : means)
      value *= static_cast<float>(groups) / static_cast<float>(shape.elements());
    Tensor x = from_vector(device(), shape, values);
    ASSERT_EQ(sum(x, axes, KeepDims::yes).shape(), kept);
    ASSERT_TRUE(close(sum(x, axes), sums)) << shape << " to " << kept;
    ASSERT_TRUE(close(mean(x, axes), means)) << shape << " to " << kept;
    ASSERT_EQ(max(x, axes).to_vector<float>(), most) << shape << " to " << kept;
    ASSERT_EQ(min(x, axes).to_vector<float>(), least) << shape << " to " << kept;
  }
}

TEST(Argmax, AlongAnAxis) {
  Tensor x = from_list(device(), {{1, 5, 5}, {9, 2, 3}});
  EXPECT_EQ(argmax(x).dtype(), DType::i64);
  EXPECT_THAT(argmax(x).to_vector<int64_t>(), ElementsAre(1, 0));
  EXPECT_THAT(argmax(x, 0).to_vector<int64_t>(), ElementsAre(1, 0, 0));
  EXPECT_EQ(argmax(zeros(device(), {0, 3})).shape(), (Shape{0}));
  EXPECT_EQ(message_of([] {
              argmax(zeros(device(), {3, 0}));
            }),
            "argmax: [3, 0] has no elements along axis -1");
}

TEST(Cumsum, BothWays) {
  Tensor x = from_list(device(), {{1, 2, 3}, {4, 5, 6}});
  EXPECT_TRUE(close(cumsum(x, 0), {1, 2, 3, 5, 7, 9}));
  EXPECT_TRUE(close(cumsum(x, 1), {1, 3, 6, 4, 9, 15}));
  EXPECT_TRUE(close(cumsum(x, -1, true), {6, 5, 3, 15, 11, 6}));
  EXPECT_TRUE(close(cumsum(x, 0, true), {5, 7, 9, 4, 5, 6}));
  EXPECT_EQ(cumsum(zeros(device(), {0, 2}), 0).shape(), (Shape{0, 2}));
}

TEST(SumTo, UndoesBroadcasting) {
  Tensor x = arange(device(), 6).reshape({2, 3});
  EXPECT_TRUE(close(sum_to(x, {3}), {3, 5, 7}));
  EXPECT_EQ(sum_to(x, {3}).shape(), (Shape{3}));
  EXPECT_TRUE(close(sum_to(x, {2, 1}), {3, 12}));
  EXPECT_TRUE(close(sum_to(x, {1, 3}), {3, 5, 7}));
  EXPECT_EQ(sum_to(x, {}).item<float>(), 15);
  EXPECT_EQ(sum_to(x, {}).rank(), 0);
  EXPECT_TRUE(close(sum_to(zeros(device(), {0, 2}), {1, 2}), {0, 0}));
  EXPECT_EQ(message_of([&] { sum_to(x, {2}); }), "sum_to: [2] does not broadcast to [2, 3]");
}

TEST(SumTo, AnswersNewMemory) {
  Tensor x = arange(device(), 3);
  Tensor same = sum_to(x, {3});
  EXPECT_NE(same.view().data, x.view().data);
  EXPECT_TRUE(close(same, {0, 1, 2}));
  EXPECT_NE(sum_to(x.reshape({1, 3}), {3}).view().data, x.view().data);
}

TEST(Norms, OfVectorsAndMatrices) {
  Tensor u = from_list(device(), {3, -4});
  EXPECT_FLOAT_EQ(norm_l2(u).item<float>(), 5);
  EXPECT_FLOAT_EQ(norm_l1(u).item<float>(), 7);
  EXPECT_FLOAT_EQ(norm_l2(ones(device(), {4, 9})).item<float>(), 6);
  EXPECT_EQ(norm_l1(zeros(device(), {0})).item<float>(), 0);
  EXPECT_THAT(message_of([] { norm_l2(ones(device(), {2}, DType::f64)); }),
              HasSubstr("norm_l2: expected f32, found f64"));
}

TEST(Reduce, LongSumsKeepTheirDigits) {
  int64_t count = 1 << 22;
  Tensor x = full(device(), {count}, 0.1);
  double expected = static_cast<double>(count) * static_cast<double>(0.1f);
  EXPECT_NEAR(sum(x).item<float>() / expected, 1, 2e-6);
  EXPECT_NEAR(mean(x).item<float>(), 0.1f, 2e-7);
}

}  // namespace
}  // namespace d2l
