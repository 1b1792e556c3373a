#include <cmath>

#include "tests/backend/cases/plain_attention.h"

namespace d2l::test {
namespace {

// Includes lengths of 0, all, and more than all columns.
Tensor some_lengths(const Shape& shape, int64_t columns) {
  Tensor lengths = random_indices(shape, 0, columns + 3);
  const int64_t special[] = {0, columns, -1, columns + 100, 1};
  for (int64_t i = 0; i < lengths.elements() && i < 5; ++i) lengths.data<int64_t>()[i] = special[i];
  return lengths;
}

void expect_forward(const Tensor& x, const Tensor& lengths) {
  const Arguments arguments{{x, lengths}, {unwritten(x.shape())}};
  const auto call = [](auto& on, const Inputs& in, const Outputs& out) {
    on.masked_softmax(in[0], in[1], out[0]);
  };
  EXPECT_TRUE(agree<PlainAttention>(arguments, call, tolerances::kSoftmax))
      << x.shape() << " " << lengths.shape();
  EXPECT_TRUE((
      composition_agrees<PlainAttention, ComposedAttention>(arguments, call, tolerances::kSoftmax)))
      << x.shape() << " " << lengths.shape() << ", composed";
}

void expect_backward(const Tensor& y, const Tensor& lengths, const Tensor& grad_y) {
  const Arguments arguments{{y, lengths, grad_y}, {unwritten(y.shape())}};
  const auto call = [](auto& on, const Inputs& in, const Outputs& out) {
    on.masked_softmax_backward(in[0], in[1], in[2], out[0]);
  };
  const Tolerances tolerances = tolerances::kSoftmaxGradient.scaled(
      std::sqrt(std::max(1.0, static_cast<double>(y.shape()[2]))));
  EXPECT_TRUE(agree<PlainAttention>(arguments, call, tolerances))
      << y.shape() << " " << lengths.shape();
  EXPECT_TRUE((composition_agrees<PlainAttention, ComposedAttention>(arguments, call, tolerances)))
      << y.shape() << " " << lengths.shape() << ", composed";
}

void expect_both(const Shape& shape, const Tensor& lengths) {
  expect_forward(random_tensor(shape, DType::f32, -20, 20), lengths);
  const Tensor x = random_tensor(shape, DType::f32, -9, 9);
  expect_forward(x, lengths);
  Tensor y = unwritten(shape);
  PlainAttention().masked_softmax(x.view(), lengths.view(), y.view());
  expect_backward(y, lengths, random_tensor(shape));
}

void expect_both(const Shape& shape, const Shape& lengths_shape) {
  expect_both(shape, some_lengths(lengths_shape, shape[2]));
}

TEST(MaskedSoftmax, LengthsOfBatchesAndOfRows) {
  for (const Shape& shape :
       {Shape{1, 1, 1}, Shape{2, 3, 5}, Shape{7, 4, 10}, Shape{6, 3, 33}, Shape{5, 2, 100},
        Shape{2, 3, 500}, Shape{5, 1, 1024}, Shape{5, 2, 1030}, Shape{6, 1, 3001}, Shape{40, 50, 6},
        Shape{2, 500, 90}, Shape{3, 1, 70}, Shape{1, 4, 33}, Shape{2, 2, 4}}) {
    expect_both(shape, {shape[0]});
    expect_both(shape, {shape[0], shape[1]});
  }
}

TEST(MaskedSoftmax, GivenLengths) {
  struct Masked {
    Shape shape, lengths_shape;
    std::vector<int64_t> lengths;
  };
  for (const Masked& c :
       {Masked{{2, 2, 4}, {2}, {2, 3}}, Masked{{2, 2, 4}, {2, 2}, {1, 3, 2, 4}},
        Masked{{3, 1, 70}, {3}, {0, 70, 33}}, Masked{{1, 4, 33}, {1, 4}, {-1, 1, 40, 32}},
        Masked{{2, 500, 90}, {2}, {64, 5}}})
    expect_both(c.shape, from_vector(host(), c.lengths_shape, c.lengths));
}

TEST(MaskedSoftmax, WhatDoesNotCountIsNotLookedAt) {
  for (int64_t columns : {6, 50, 1500}) {
    Tensor x = random_tensor({1, 4, columns}), lengths(host(), {1, 4}, DType::i64);
    for (int64_t row = 0; row < 4; ++row) {
      float* values = x.data<float>() + row * columns;
      lengths.data<int64_t>()[row] = row + 1;
      values[row + 1] = kNaN;
      values[columns - 1] = kInfinity;
      if (row == 1) values[0] = values[1] = -kInfinity;  // softmax is undefined
      if (row == 2) values[1] = -kInfinity;
    }
    EXPECT_TRUE(agree<PlainAttention>(
        {{x, lengths}, {unwritten(x.shape())}},
        [](auto& on, const Inputs& in, const Outputs& out) {
          on.masked_softmax(in[0], in[1], out[0]);
        },
        tolerances::kSoftmax));
    EXPECT_TRUE(agree<PlainAttention>(
        {{x, lengths}, {unwritten(x.shape())}},
        [](auto& on, const Inputs& in, const Outputs& out) {
          on.masked_softmax_backward(in[0], in[1], in[0], out[0]);
        },
        tolerances::kLogSoftmaxGradient));
  }
}

TEST(MaskedSoftmax, Empty) {
  expect_both({0, 3, 5}, Shape{0});
  expect_both({2, 0, 5}, Shape{2, 0});
  expect_both({2, 3, 0}, Shape{2});
}

}  // namespace
}  // namespace d2l::test
