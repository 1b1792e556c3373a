#include "framework/tensor/linalg.h"

#include <gmock/gmock.h>

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

TEST(Matmul, SmallProductsByHand) {
  Tensor a = from_list(device(), {{1, 2, 3}, {4, 5, 6}}),
         b = from_list(device(), {{1, 0}, {0, 1}, {2, 3}});
  Tensor c = matmul(a, b);
  EXPECT_EQ(c.shape(), (Shape{2, 2}));
  EXPECT_TRUE(close(c, {7, 11, 16, 23}));
  EXPECT_TRUE(close(matmul(a, from_list(device(), {1, 1, 2})), {9, 21}));
  EXPECT_EQ(matmul(a, from_list(device(), {1, 1, 2})).shape(), (Shape{2}));
}

TEST(Matmul, TransposedOperands) {
  Tensor a = from_list(device(), {{1, 2, 3}, {4, 5, 6}});
  EXPECT_TRUE(close(matmul(a, a, {.transpose_a = true}), {17, 22, 27, 22, 29, 36, 27, 36, 45}));
  EXPECT_TRUE(close(matmul(a, a, {.transpose_b = true}), {14, 32, 32, 77}));
  EXPECT_TRUE(close(matmul(a, from_list(device(), {1, 2}), {.transpose_a = true}), {9, 12, 15}));
}

TEST(Matmul, ActivationOfTheResult) {
  Tensor a = from_list(device(), {{1, -1}}), b = from_list(device(), {{1, 2}, {3, 1}});
  EXPECT_TRUE(close(matmul(a, b, {.activation = Activation::relu}), {0, 1}));
  EXPECT_TRUE(close(matmul(a, b, {.activation = Activation::tanh}),
                    {static_cast<float>(std::tanh(-2.0)), static_cast<float>(std::tanh(1.0))}));
}

TEST(Matmul, NothingInside) {
  Tensor a = zeros(device(), {2, 0}), b = zeros(device(), {0, 3});
  EXPECT_TRUE(close(matmul(a, b), {0, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(close(matmul(a, b, {.activation = Activation::sigmoid}),
                    {0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f}));
  EXPECT_EQ(matmul(b, zeros(device(), {3, 4})).shape(), (Shape{0, 4}));
  EXPECT_EQ(matmul(zeros(device(), {0, 2, 3}), zeros(device(), {0, 3, 4})).shape(),
            (Shape{0, 2, 4}));
}

TEST(Matmul, FuzzAgainstLoops) {
  Dice dice(5);
  for (int round = 0; round < 300; ++round) {
    int64_t batch = dice.between(1, 4), m = dice.between(1, 9), k = dice.between(1, 9),
            n = dice.between(1, 9);
    MatmulParams params{.transpose_a = dice.chance(0.5), .transpose_b = dice.chance(0.5)};
    std::vector<float> a = dice.values(batch * m * k), b = dice.values(batch * k * n), expected;
    auto at_a = [&](int64_t g, int64_t i, int64_t j) {
      return a[static_cast<size_t>(g * m * k + (params.transpose_a ? j * m + i : i * k + j))];
    };
    auto at_b = [&](int64_t g, int64_t i, int64_t j) {
      return b[static_cast<size_t>(g * k * n + (params.transpose_b ? j * k + i : i * n + j))];
    };
    for (int64_t g = 0; g < batch; ++g)
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          float total = 0;
          for (int64_t l = 0; l < k; ++l) total += at_a(g, i, l) * at_b(g, l, j);
          expected.push_back(total);
        }
    Shape shape_a = params.transpose_a ? Shape{batch, k, m} : Shape{batch, m, k};
    Shape shape_b = params.transpose_b ? Shape{batch, n, k} : Shape{batch, k, n};
    Tensor x = from_vector(device(), shape_a, a), y = from_vector(device(), shape_b, b);
    ASSERT_EQ(matmul(x, y, params).shape(), (Shape{batch, m, n}));
    ASSERT_TRUE(close(matmul(x, y, params), expected)) << shape_a << " x " << shape_b;
    std::vector<float> last(expected.end() - m * n, expected.end());
    ASSERT_TRUE(close(matmul(x[-1], y[-1], params), last)) << shape_a << " x " << shape_b;
  }
}

TEST(Matmul, SaysWhatDoesNotFit) {
  auto message = [](const Shape& a, const Shape& b, MatmulParams params = {}) {
    return message_of([&] { matmul(zeros(device(), a), zeros(device(), b), params); });
  };
  EXPECT_EQ(message({2, 3}, {4, 5}), "matmul: a [2, 3] has 3 columns, b [4, 5] has 4 rows");
  EXPECT_EQ(message({2, 3}, {3, 5}, {.transpose_a = true}),
            "matmul: a [2, 3] transposed has 2 columns, b [3, 5] has 3 rows");
  EXPECT_EQ(message({2, 3}, {3, 5}, {.transpose_b = true}),
            "matmul: a [2, 3] has 3 columns, b [3, 5] transposed has 5 rows");
  EXPECT_EQ(message({2, 3}, {2}), "matmul: a [2, 3] has 3 columns, b [2] has 2 elements");
  EXPECT_EQ(message({2, 3, 4}, {3, 4, 5}), "matmul: a [2, 3, 4] has 2 matrices, b [3, 4, 5] has 3");
  EXPECT_EQ(message({3}, {3, 4}),
            "matmul: expected two tensors with 2 axes, two with 3, or a matrix and a vector, "
            "found a [3] and b [3, 4]");
  EXPECT_EQ(message_of([] {
              matmul(zeros(device(), {2, 2}, DType::i64), zeros(device(), {2, 2}));
            }),
            "matmul: expected f32, found i64");
}

TEST(Dot, OfVectors) {
  EXPECT_EQ(dot(arange(device(), 4), ones(device(), {4})).item<float>(), 6);
  EXPECT_EQ(dot(arange(device(), 4), ones(device(), {4})).rank(), 0);
  EXPECT_EQ(dot(zeros(device(), {0}), zeros(device(), {0})).item<float>(), 0);
  EXPECT_EQ(message_of([] { dot(zeros(device(), {3}), zeros(device(), {4})); }),
            "dot: expected two vectors of the same length, found a [3] and b [4]");
}

}  // namespace
}  // namespace d2l
