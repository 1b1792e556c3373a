#include <cmath>
#include <limits>

#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> list = {
      {},        {1, 1},    {3, 2},    {17, 10},  {300, 10}, {9, 32},   {33, 33},     {9, 64},
      {7, 65},   {5, 200},  {3, 400},  {5, 1000}, {2, 1024}, {2, 1025}, {3, 2048},    {2, 5003},
      {9001, 7}, {2, 3, 5}, {4, 1, 1}, {0, 5},    {2049, 1}, {11},      {2, 2, 2, 30}};
  return list;
}

const Kernel kSoftmax = [](Backend& on, const auto& in, const auto& out) {
  on.softmax(in[0], out[0]);
};
const Kernel kLogSoftmax = [](Backend& on, const auto& in, const auto& out) {
  on.log_softmax(in[0], out[0]);
};

testing::AssertionResult same_softmax(const Tensor& x) {
  return like_cpu({{x}, {unwritten(x.shape())}}, kSoftmax, {2e-6, 1e-37});
}
testing::AssertionResult same_log_softmax(const Tensor& x) {
  return like_cpu({{x}, {unwritten(x.shape())}}, kLogSoftmax, {1e-6, 1e-6});
}

TEST(CudaSoftmax, Rows) {
  for (const Shape& shape : shapes())
    for (double range : {2.0, 60.0}) {
      const Tensor x = random_tensor(shape, DType::f32, -range, range);
      EXPECT_TRUE(same_softmax(x)) << shape;
      EXPECT_TRUE(same_log_softmax(x)) << shape;
    }
}

TEST(CudaSoftmax, HugeLogitsAndInfinities) {
  for (int64_t c : {5, 40, 65, 200, 1500, 4000}) {
    Tensor x(host(), {6, c});
    float* rows = x.data<float>();
    std::fill_n(rows, 6 * c, -kInfinity);
    rows[1] = rows[3] = 1e30f;
    rows[c] = -1e30f;
    rows[c + 1] = -3e38f;
    // row 2 has nothing but minus infinity
    std::fill_n(rows + 3 * c, c, 1.0f);
    std::fill_n(rows + 4 * c, c, 2.0f);
    std::fill_n(rows + 5 * c, c, -2.0f);
    rows[4 * c + 2] = kInfinity;
    rows[6 * c - 1] = NAN;
    EXPECT_TRUE(same_softmax(x)) << c;
    EXPECT_TRUE(same_log_softmax(x)) << c;
  }
}

TEST(CudaSoftmax, LargestNumberAnywhere) {
  for (int64_t c : {10, 100, 3000})
    for (int64_t at = 0; at < c; at += 1 + c / 17) {
      Tensor x = random_tensor({2, c});
      x.data<float>()[at] = 50;
      EXPECT_TRUE(same_softmax(x)) << c << " " << at;
    }
}

TEST(CudaSoftmax, Backward) {
  for (const Shape& shape : shapes()) {
    const Tensor probabilities = random_tensor(shape, DType::f32, 0, 0.1);
    const Tensor logs = random_tensor(shape, DType::f32, -9, 0), grad_y = random_tensor(shape);
    const double columns = shape.rank() > 0 ? static_cast<double>(shape.size(-1)) : 1;
    EXPECT_TRUE(like_cpu({{probabilities, grad_y}, {unwritten(shape)}},
                         [](Backend& on, const auto& in, const auto& out) {
                           on.softmax_backward(in[0], in[1], out[0]);
                         },
                         {1e-6, 1e-7 * std::sqrt(columns)}))
        << shape;
    EXPECT_TRUE(like_cpu({{logs, grad_y}, {unwritten(shape)}},
                         [](Backend& on, const auto& in, const auto& out) {
                           on.log_softmax_backward(in[0], in[1], out[0]);
                         },
                         {1e-6, 1e-6 * std::sqrt(columns)}))
        << shape;
  }
}

TEST(CudaSoftmax, LogBackwardOfMaskedElements) {
  for (int64_t c : {2, 70, 1200}) {
    Tensor y = random_tensor({3, c}, DType::f32, -5, 0);
    for (int64_t i = 0; i < 3 * c; i += 3) y.data<float>()[i] = -kInfinity;
    EXPECT_TRUE(like_cpu({{y, random_tensor({3, c})}, {unwritten({3, c})}},
                         [](Backend& on, const auto& in, const auto& out) {
                           on.log_softmax_backward(in[0], in[1], out[0]);
                         },
                         {1e-6, 1e-5}))
        << c;
  }
}

}  // namespace
}  // namespace d2l::test
