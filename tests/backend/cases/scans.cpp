#include <cmath>

#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

struct PlainScans {
  // The first of the largest; NaN counts as the largest.
  void argmax(const ConstView& x, int axis, const View& indices) const {
    const Doubles from = doubles(x);
    Doubles best;
    for_lines(x.shape, axis, [&](int64_t start, int64_t step) {
      int64_t record = 0;
      for (int64_t k = 1; k < x.shape[axis]; ++k) {
        const double value = from[start + k * step], largest = from[start + record * step];
        if (value > largest || (std::isnan(value) && !std::isnan(largest))) record = k;
      }
      best.push_back(static_cast<double>(record));
    });
    store(indices, best);
  }

  void cumsum(const ConstView& x, int axis, bool reverse, const View& y) const {
    const Doubles from = doubles(x);
    Doubles to(from.size());
    for_lines(x.shape, axis, [&](int64_t start, int64_t step) {
      double sum = 0;
      for (int64_t k = 0; k < x.shape[axis]; ++k) {
        const int64_t at = start + (reverse ? x.shape[axis] - 1 - k : k) * step;
        to[at] = sum += from[at];
      }
    });
    store(y, to);
  }

 private:
  template <class Body>
  static void for_lines(const Shape& shape, int axis, const Body& body) {
    const int64_t inner = shape.elements(axis + 1, shape.rank());
    for (int64_t i = 0; i < shape.elements(0, axis); ++i)
      for (int64_t j = 0; j < inner; ++j) body(i * shape[axis] * inner + j, inner);
  }
};

testing::AssertionResult finds_largest(const Tensor& x, int axis) {
  return agree<PlainScans>(
      {{x}, {unwritten(x.shape().without_axis(axis), DType::i64)}},
      [axis](auto& on, const Inputs& in, const Outputs& out) { on.argmax(in[0], axis, out[0]); });
}

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list = {
      {1},          {17},         {1000},     {1025},          {9001},
      {301, 10},    {5, 1000},    {2, 129},   {30, 1, 130},    {6, 70, 15},
      {2, 3, 4, 5}, {4, 2500, 2}, {5000, 3},  {2, 5000},       {200, 3},
      {1, 1},       {3, 70, 64},  {1100, 64}, {3, 1, 1, 1, 5}, {2, 1100, 1, 16}};
  return list;
}

// More elements than a CPU thread takes at a time.
const std::vector<Shape>& large_shapes() {
  static const std::vector<Shape> list = {{100003},      {10001},       {3001, 10},  {50, 1000},
                                          {300, 1, 130}, {6, 70, 1500}, {3, 40, 70}, {2, 3, 1100}};
  return list;
}

TEST(Argmax, FirstOfEqualsOnEveryAxis) {
  for (const auto& list : {shapes(), large_shapes()})
    for (const Shape& shape : list)
      for (int axis = 0; axis < shape.rank(); ++axis) {
        Tensor x = random_indices(shape, -4, 5).cast(DType::f32);
        EXPECT_TRUE(finds_largest(x, axis)) << shape << " axis " << axis;
        for (int64_t i = 3; i < x.elements(); i += 501) x.data<float>()[i] = kNaN;
        EXPECT_TRUE(finds_largest(x, axis)) << shape << " axis " << axis << " with NaN";
      }
}

TEST(Argmax, DifferentNumbers) {
  for (const Shape& shape : {Shape{9001}, Shape{40, 33}, Shape{3, 4000}})
    for (int axis = 0; axis < shape.rank(); ++axis)
      EXPECT_TRUE(finds_largest(random_tensor(shape), axis)) << shape << " axis " << axis;
}

TEST(Argmax, ZerosOfBothSignsAreEqual) {
  Tensor x(host(), {2, 50});
  for (int64_t i = 0; i < 100; ++i) x.data<float>()[i] = i % 3 == 0 ? -0.0f : 0.0f;
  EXPECT_TRUE(finds_largest(x, 0));
  EXPECT_TRUE(finds_largest(x, 1));
}

TEST(Argmax, Infinities) {
  EXPECT_TRUE(finds_largest(full(host(), {100}, -kInfinity), 0));
  Tensor x = full(host(), {3, 100}, -kInfinity);
  x.data<float>()[150] = -3e38f;
  x.data<float>()[230] = x.data<float>()[250] = kInfinity;
  EXPECT_TRUE(finds_largest(x, 0));
  EXPECT_TRUE(finds_largest(x, 1));
}

TEST(Argmax, Empty) {
  EXPECT_TRUE(finds_largest(Tensor(host(), {0, 3}), 1));
  EXPECT_TRUE(finds_largest(Tensor(host(), {3, 0}), 0));
}

testing::AssertionResult adds_up(const Tensor& x, int axis, bool reverse,
                                 const Tolerances& tolerances) {
  return agree<PlainScans>(
      {{x}, {unwritten(x.shape())}},
      [=](auto& on, const Inputs& in, const Outputs& out) {
        on.cumsum(in[0], axis, reverse, out[0]);
      },
      tolerances);
}

testing::AssertionResult adds_up(const Tensor& x, int axis, bool reverse) {
  const auto length = static_cast<double>(x.shape()[axis]);
  return adds_up(x, axis, reverse, tolerances::kCumsum.scaled(std::sqrt(length)));
}

TEST(Cumsum, BothDirectionsOnEveryAxis) {
  for (const auto& list : {shapes(), large_shapes()})
    for (const Shape& shape : list)
      for (int axis = 0; axis < shape.rank(); ++axis)
        for (bool reverse : {false, true})
          EXPECT_TRUE(adds_up(random_tensor(shape), axis, reverse))
              << shape << " axis " << axis << (reverse ? " reverse" : "");
}

TEST(Cumsum, WholeNumbersAreExact) {
  for (bool reverse : {false, true})
    for (const Shape& shape : {Shape{20001}, Shape{20001, 3}, Shape{5, 128}, Shape{2000, 5}})
      EXPECT_TRUE(
          adds_up(random_indices(shape, -9, 10).cast(DType::f32), 0, reverse, tolerances::kExact))
          << shape;
}

TEST(Cumsum, WhatComesBeforeInfinityAndNaNIsUntouched) {
  for (float special : {kNaN, kInfinity, -kInfinity})
    for (bool reverse : {false, true})
      for (int64_t at : {0, 77, 1500, 9000}) {
        Tensor x = random_tensor({9001}), columns = random_tensor({3001, 3});
        x.data<float>()[at] = columns.data<float>()[at] = special;
        EXPECT_TRUE(adds_up(x, 0, reverse)) << special << " at " << at;
        EXPECT_TRUE(adds_up(x.reshape({9001, 1}), 0, reverse)) << special << " at " << at;
        EXPECT_TRUE(adds_up(columns, 0, reverse)) << special << " at " << at;
      }
}

TEST(Cumsum, Empty) {
  for (int axis : {0, 1})
    for (bool reverse : {false, true}) EXPECT_TRUE(adds_up(Tensor(host(), {0, 3}), axis, reverse));
}

}  // namespace
}  // namespace d2l::test
