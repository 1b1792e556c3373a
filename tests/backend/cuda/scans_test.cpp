#include <cmath>
#include <limits>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

testing::AssertionResult same_argmax(const Tensor& x, int axis) {
  return like_cpu(
      {{x}, {unwritten(x.shape().without_axis(axis), DType::i64)}},
      [axis](Backend& on, const auto& in, const auto& out) { on.argmax(in[0], axis, out[0]); });
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list = {
      {1},      {17},         {1000},      {1025},          {9001},           {301, 10}, {5, 1000},
      {2, 129}, {30, 1, 130}, {6, 70, 15}, {2, 3, 4, 5},    {4, 2500, 2},     {5000, 3}, {2, 5000},
      {200, 3}, {1, 1},       {3, 70, 64}, {3, 1, 1, 1, 5}, {2, 1100, 1, 16}, {1100, 64}};
  return list;
}

TEST(CudaArgmax, FirstOfEqualsOnEveryAxis) {
  for (const Shape& shape : shapes())
    for (int axis = 0; axis < shape.rank(); ++axis) {
      Tensor x = random_indices(shape, -4, 5).cast(DType::f32);
      EXPECT_TRUE(same_argmax(x, axis)) << shape << " axis " << axis;
      for (int64_t i = 3; i < x.elements(); i += 501) x.data<float>()[i] = NAN;
      EXPECT_TRUE(same_argmax(x, axis)) << shape << " axis " << axis << " with NaN";
    }
}

TEST(CudaArgmax, DifferentNumbers) {
  for (const Shape& shape : {Shape{9001}, Shape{40, 33}, Shape{3, 4000}})
    for (int axis = 0; axis < shape.rank(); ++axis)
      EXPECT_TRUE(same_argmax(random_tensor(shape), axis)) << shape << " axis " << axis;
}

TEST(CudaArgmax, ZerosOfBothSignsAreEqual) {
  Tensor x(host(), {2, 50});
  for (int64_t i = 0; i < 100; ++i) x.data<float>()[i] = i % 3 == 0 ? -0.0f : 0.0f;
  EXPECT_TRUE(same_argmax(x, 0));
  EXPECT_TRUE(same_argmax(x, 1));
}

TEST(CudaArgmax, Infinities) {
  Tensor x(host(), {3, 100});
  std::fill_n(x.data<float>(), 300, -kInfinity);
  x.data<float>()[150] = -3e38f;
  x.data<float>()[230] = x.data<float>()[250] = kInfinity;
  EXPECT_TRUE(same_argmax(x, 0));
  EXPECT_TRUE(same_argmax(x, 1));
}

TEST(CudaArgmax, Empty) {
  EXPECT_TRUE(same_argmax(Tensor(host(), {0, 3}), 1));
  EXPECT_TRUE(same_argmax(Tensor(host(), {3, 0}), 0));
}

testing::AssertionResult same_cumsum(const Tensor& x, int axis, bool reverse) {
  return like_cpu({{x}, {unwritten(x.shape())}},
                  [=](Backend& on, const auto& in, const auto& out) {
                    on.cumsum(in[0], axis, reverse, out[0]);
                  },
                  {1e-6, 1e-6 * std::sqrt(static_cast<double>(x.shape()[axis]))});
}

TEST(CudaCumsum, BothDirectionsOnEveryAxis) {
  for (const Shape& shape : shapes())
    for (int axis = 0; axis < shape.rank(); ++axis)
      for (bool reverse : {false, true})
        EXPECT_TRUE(same_cumsum(random_tensor(shape), axis, reverse))
            << shape << " axis " << axis << (reverse ? " reverse" : "");
}

TEST(CudaCumsum, WholeNumbersAreExact) {
  for (bool reverse : {false, true})
    for (const Shape& shape : {Shape{20001}, Shape{20001, 3}, Shape{5, 128}, Shape{2000, 5}}) {
      const Tensor x = random_indices(shape, -9, 10).cast(DType::f32);
      EXPECT_TRUE(like_cpu({{x}, {unwritten(shape)}}, [&](Backend& on, const auto& in,
                                                          const auto& out) {
        on.cumsum(in[0], 0, reverse, out[0]);
      })) << shape;
    }
}

TEST(CudaCumsum, WhatComesBeforeInfinityAndNaNIsUntouched) {
  for (float special : {NAN, kInfinity, -kInfinity})
    for (bool reverse : {false, true})
      for (int64_t at : {0, 77, 1500, 9000}) {
        Tensor x = random_tensor({9001});
        x.data<float>()[at] = special;
        EXPECT_TRUE(same_cumsum(x, 0, reverse)) << special << " at " << at;
        EXPECT_TRUE(same_cumsum(x.reshape({9001, 1}), 0, reverse)) << special << " at " << at;
        Tensor columns = random_tensor({3001, 3});
        columns.data<float>()[at] = special;
        EXPECT_TRUE(same_cumsum(columns, 0, reverse)) << special << " at " << at;
      }
}

TEST(CudaCumsum, Empty) {
  EXPECT_TRUE(same_cumsum(Tensor(host(), {0, 3}), 0, false));
  EXPECT_TRUE(same_cumsum(Tensor(host(), {0, 3}), 1, true));
}

}  // namespace
}  // namespace d2l::test
