#include <cmath>
#include <limits>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

const Kernel kForward = [](Backend& on, const auto& in, const auto& out) {
  on.masked_softmax(in[0], in[1], out[0]);
};
const Kernel kBackward = [](Backend& on, const auto& in, const auto& out) {
  on.masked_softmax_backward(in[0], in[1], in[2], out[0]);
};

// Also none, all, and more than there are.
Tensor some_lengths(const Shape& shape, int64_t columns) {
  Tensor lengths = random_indices(shape, 0, columns + 3);
  const int64_t special[] = {0, columns, -1, columns + 100, 1};
  for (int64_t i = 0; i < lengths.elements() && i < 5; ++i) lengths.data<int64_t>()[i] = special[i];
  return lengths;
}

void expect_like_cpu(const Shape& shape, const Shape& lengths_shape) {
  const Tensor lengths = some_lengths(lengths_shape, shape[2]);
  EXPECT_TRUE(like_cpu({{random_tensor(shape, DType::f32, -20, 20), lengths}, {unwritten(shape)}},
                       kForward, {2e-6, 1e-37}))
      << shape << " " << lengths_shape;
  EXPECT_TRUE(like_cpu({{random_tensor(shape, DType::f32, 0, 0.1), lengths, random_tensor(shape)},
                        {unwritten(shape)}},
                       kBackward, {1e-6, 1e-7 * std::sqrt(static_cast<double>(shape[2]))}))
      << shape << " " << lengths_shape;
}

TEST(CudaMaskedSoftmax, LengthsOfBatchesAndOfRows) {
  for (const Shape& shape : {Shape{1, 1, 1}, Shape{2, 3, 5}, Shape{7, 4, 10}, Shape{6, 3, 33},
                             Shape{5, 2, 100}, Shape{2, 3, 500}, Shape{5, 1, 1024},
                             Shape{5, 2, 1030}, Shape{6, 1, 3001}, Shape{40, 50, 6}}) {
    expect_like_cpu(shape, {shape[0]});
    expect_like_cpu(shape, {shape[0], shape[1]});
  }
}

TEST(CudaMaskedSoftmax, WhatDoesNotCountIsNotLookedAt) {
  for (int64_t columns : {6, 50, 1500}) {
    Tensor x = random_tensor({1, 4, columns}), lengths(host(), {1, 4}, DType::i64);
    for (int64_t row = 0; row < 4; ++row) {
      float* values = x.data<float>() + row * columns;
      lengths.data<int64_t>()[row] = row + 1;
      values[row + 1] = NAN;
      values[columns - 1] = kInfinity;
      if (row == 1) values[0] = values[1] = -kInfinity;  // has no softmax
      if (row == 2) values[1] = -kInfinity;
    }
    EXPECT_TRUE(like_cpu({{x, lengths}, {unwritten(x.shape())}}, kForward, {2e-6, 1e-37}));
    EXPECT_TRUE(like_cpu({{x, lengths, x}, {unwritten(x.shape())}}, kBackward, {1e-6, 1e-6}));
  }
}

TEST(CudaMaskedSoftmax, Empty) {
  expect_like_cpu({0, 3, 5}, {0});
  expect_like_cpu({2, 0, 5}, {2, 0});
  expect_like_cpu({2, 3, 0}, {2});
}

}  // namespace
}  // namespace d2l::test
