// Tests of the tape, with the results of chapter 2.5.

#include "framework/autograd/variable.h"

#include <gmock/gmock.h>

#include <cmath>

#include "framework/autograd/arrange.h"
#include "framework/autograd/convolution.h"
#include "framework/autograd/elementwise.h"
#include "framework/autograd/linear.h"
#include "framework/autograd/normalization.h"
#include "framework/autograd/softmax.h"
#include "framework/tensor/create.h"
#include "framework/tensor/slices.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::close;
using test::device;
using test::message_of;
using testing::HasSubstr;

Variable x4() { return Variable(arange(device(), 4), true); }

TEST(Chapter25, TwiceTheDotProduct) {
  Variable x = x4();
  Variable y = 2.0 * sum(x * x);
  EXPECT_FLOAT_EQ(y.value().item<float>(), 28);
  EXPECT_FALSE(x.has_grad());
  y.backward();
  EXPECT_TRUE(close(x.grad(), {0, 4, 8, 12}));
}

TEST(Chapter25, GradientsAddUpUntilZeroed) {
  Variable x = x4();
  sum(x).backward();
  EXPECT_TRUE(close(x.grad(), {1, 1, 1, 1}));
  sum(x * x).backward();
  EXPECT_TRUE(close(x.grad(), {1, 3, 5, 7}));
  x.zero_grad();
  EXPECT_FALSE(x.has_grad());
  sum(x * x).backward();
  EXPECT_TRUE(close(x.grad(), {0, 2, 4, 6}));
}

TEST(Chapter25, NonScalarWithASeed) {
  Variable x = x4();
  (x * x).backward(ones(device(), {4}));
  EXPECT_TRUE(close(x.grad(), {0, 2, 4, 6}));
  Variable z = x4();
  (z * z).backward(from_list(device(), {1, 10, 100, 1000}));
  EXPECT_TRUE(close(z.grad(), {0, 20, 400, 6000}));
}

TEST(Chapter25, DetachMakesAConstant) {
  Variable x = x4();
  Variable y = x * x;
  Variable u = y.detach();
  EXPECT_FALSE(u.requires_grad());
  sum(u * x).backward();
  EXPECT_TRUE(close(x.grad(), {0, 1, 4, 9}));  // u, not 3 x^2
  x.zero_grad();
  sum(y).backward();
  EXPECT_TRUE(close(x.grad(), {0, 2, 4, 6}));
}

// The book's f(a): doubles until the norm reaches 1000, so it is k a and the slope is f(a) / a.
TEST(Chapter25, ControlFlow) {
  for (float start : {0.3f, -1.7f}) {
    Variable a(full(device(), {}, static_cast<double>(start)), true);
    Variable b = a * 2.0;
    while (std::abs(b.value().item<float>()) < 1000) b = b * 2.0;
    Variable c = sum(b).value().item<float>() > 0 ? b : 100.0 * b;
    float value = c.value().item<float>();
    c.backward();
    EXPECT_FLOAT_EQ(a.grad().item<float>(), value / start);
    EXPECT_FLOAT_EQ(a.grad().item<float>(), start > 0 ? 4096.0f : 102400.0f);
  }
}

TEST(Backward, RunsThroughAGraphOnce) {
  Variable x = x4();
  Variable square = x * x;
  Variable y = sum(square);
  y.backward();
  EXPECT_THAT(message_of([&] { y.backward(); }), HasSubstr("before"));
  EXPECT_THAT(message_of([&] { sum(square).backward(); }), HasSubstr("before"));
  EXPECT_TRUE(close(x.grad(), {0, 2, 4, 6}));
}

TEST(Backward, NeedsASeedOfTheRightShape) {
  Variable x = x4();
  EXPECT_THAT(message_of([&] { (x * x).backward(); }), HasSubstr("[4]"));
  EXPECT_THAT(message_of([&] { (x * x).backward(ones(device(), {3})); }), HasSubstr("[3]"));
  EXPECT_THAT(message_of([&] { sum(Variable(ones(device(), {2}))).backward(); }),
              HasSubstr("requires a gradient"));
  EXPECT_THAT(message_of([&] { Variable(ones(device(), {2}), true).grad(); }),
              HasSubstr("no gradient"));
  EXPECT_THAT(message_of([&] { Variable().value(); }), HasSubstr("never given"));
}

TEST(Backward, SeedStaysAsItWas) {
  Variable x = x4();
  Tensor seed = ones(device(), {4});
  Variable y = reshape(x, {4});
  (y + y * 2.0).backward(seed);
  EXPECT_TRUE(close(x.grad(), {3, 3, 3, 3}));
  EXPECT_TRUE(close(seed, {1, 1, 1, 1}));
}

// A diamond: backward must wait for both branches before it continues with their common input.
TEST(Backward, DiamondsAndUnevenDepths) {
  Variable x(full(device(), {}, 3), true);
  Variable shared = x * x;
  Variable deep = shared * shared * shared;  // x^6
  sum(deep + shared + x).backward();
  EXPECT_FLOAT_EQ(x.grad().item<float>(), 6 * 243 + 6 + 1);
}

TEST(Backward, AliasedGradientsStayApart) {
  Variable x = x4(), z = x4();
  Variable y = reshape(x, {2, 2});
  Variable w = reshape(z, {2, 2});
  sum((y + w) + y).backward();
  EXPECT_TRUE(close(x.grad(), {2, 2, 2, 2}));
  EXPECT_TRUE(close(z.grad(), {1, 1, 1, 1}));
}

TEST(Backward, ConstantsGetNothing) {
  Variable x = x4(), constant(ones(device(), {4}));
  sum(x * constant).backward();
  EXPECT_FALSE(constant.has_grad());
  EXPECT_TRUE(close(x.grad(), {1, 1, 1, 1}));
}

// One weight used by two layers.
TEST(Parameters, SharedOnesAddTheirGradients) {
  Variable w(full(device(), {1, 1}, 3), true);
  Variable x(full(device(), {1, 1}, 2));
  sum(linear(linear(x, w), w)).backward();  // w^2 x
  EXPECT_FLOAT_EQ(w.grad().item<float>(), 12);
}

TEST(Parameters, BoundGradientLivesInItsSlot) {
  Tensor arena = full(device(), {10}, 77);
  Variable x = x4();
  x.bind_grad(arena.slot(3, Shape{4}));
  EXPECT_FALSE(x.has_grad());
  const std::vector<float> expected{77, 77, 77, 0, 2, 4, 6, 77, 77, 77};
  sum(x * x).backward();  // a finished tensor arrives
  EXPECT_TRUE(close(arena, expected));
  x.zero_grad();
  sum(square(x)).backward();  // a kernel writes
  EXPECT_TRUE(close(arena, expected));
  sum(square(x)).backward();
  EXPECT_TRUE(close(arena, {77, 77, 77, 0, 4, 8, 12, 77, 77, 77}));
  EXPECT_EQ(x.grad().view().data, arena.view().as<float>() + 3);
  EXPECT_THAT(message_of([&] { x.bind_grad(arena); }), HasSubstr("[10]"));
}

TEST(Parameters, ReadyIsCalledOnceAfterTheLastContribution) {
  Variable x = x4(), other = x4();
  std::vector<std::vector<float>> seen;
  std::vector<std::string> order;
  x.on_grad_ready([&] {
    seen.push_back(x.grad().to_vector<float>());
    order.emplace_back("x");
  });
  other.on_grad_ready([&] { order.emplace_back("other"); });
  Variable first = x * 2.0;  // used early, so its gradient comes last
  Variable y = tanh(first) * 0.0 + x + x * other;
  sum(y).backward();
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_THAT(seen[0], testing::ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(order.size(), 2u);
  sum(x).backward();
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(order.size(), 3u);
  x.on_grad_ready(nullptr);
  other.on_grad_ready(nullptr);
}

// Deep layers are ready first, so that their reduction overlaps with the rest of the backward pass.
TEST(Parameters, ReadyComesInReverseOrderOfUse) {
  Variable w[3];
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    w[i] = Variable(eye(device(), 2), true);
    w[i].on_grad_ready([&order, i] { order.push_back(i); });
  }
  Variable y(ones(device(), {1, 2}));
  for (const Variable& weight : w) y = linear(y, weight, {}, Activation::tanh);
  sum(y).backward();
  EXPECT_THAT(order, testing::ElementsAre(2, 1, 0));
}

TEST(NoGradScope, RecordsNothing) {
  Variable x = x4();
  {
    NoGrad outer;
    { NoGrad inner; }
    EXPECT_FALSE((x * x).requires_grad());
    EXPECT_FALSE(square(x).requires_grad());
  }
  EXPECT_TRUE((x * x).requires_grad());
}

TEST(NoGradScope, UpdateByHandKeepsTheLeaf) {
  Variable x = x4();
  sum(x * x).backward();
  {
    NoGrad scope;
    x.value().copy_from((x - 0.5 * Variable(x.grad())).value());
  }
  EXPECT_TRUE(close(x.value(), {0, 0, 0, 0}));
  EXPECT_TRUE(x.requires_grad());
}

TEST(Losses, GoldenValues) {
  Tensor labels = from_vector<int64_t>(device(), {2}, {0, 2});
  Variable logits(from_list(device(), {{0, 0, 0, 0}, {5, 1, 1, 1}}), true);
  CrossEntropy result = cross_entropy(logits, labels);
  double second = std::log(std::exp(5.0) + 3 * std::exp(1.0)) - 1;
  EXPECT_TRUE(close(result.losses.value(), {std::log(4.0f), static_cast<float>(second)}));
  EXPECT_TRUE(close(result.correct, {1, 0}));
  result.losses.backward(ones(device(), {2}));
  EXPECT_TRUE(close(get(logits, {0}).value(), {0, 0, 0, 0}));
  EXPECT_TRUE(close(logits.grad().rows(0, 1), {-0.75f, 0.25f, 0.25f, 0.25f}));
  EXPECT_TRUE(close(squared_loss(x4(), full(device(), {4}, 1)).value(), {0.5f, 0, 0.5f, 2}));
}

// PyTorch's sizes with ceil_mode: one more window for a remainder, unless it would start in the
// padding on the right.
TEST(Pooling, NumberOfWindowsRoundedUp) {
  auto side = [](int64_t size, int64_t window, int64_t stride, int64_t padding) {
    return pool2d(Variable(ones(device(), {1, size, size, 1})), {.window = {window, window},
                                                                 .stride = {stride, stride},
                                                                 .padding = {padding, padding},
                                                                 .ceil = true})
        .shape()[1];
  };
  EXPECT_EQ(side(112, 3, 2, 0), 56);
  EXPECT_EQ(side(113, 3, 2, 0), 56);
  EXPECT_EQ(side(7, 2, 2, 0), 4);
  EXPECT_EQ(side(8, 2, 2, 0), 4);
  EXPECT_EQ(side(5, 2, 2, 1), 3);
  EXPECT_EQ(side(6, 2, 2, 1), 4);
  EXPECT_EQ(side(4, 1, 5, 0), 1);
  EXPECT_EQ(side(2, 3, 2, 0), 1);
  EXPECT_THAT(message_of([&] { side(1, 3, 2, 0); }), HasSubstr("does not fit"));
}

// -sum q log p, where q mixes the label with the uniform distribution.
TEST(Losses, LabelSmoothing) {
  const double smoothing = 0.1;
  const std::vector<int64_t> labels = {0, 2, 1};
  Variable logits(uniform(device(), {3, 4}, {.seed = 9}, -3, 3), true);
  CrossEntropy result = cross_entropy(logits, from_vector(device(), {3}, labels), smoothing);
  result.losses.backward(ones(device(), {3}));
  const auto x = logits.value().to_rows<double>();
  for (size_t row = 0; row < 3; ++row) {
    double total = 0, loss = 0;
    for (double value : x[row]) total += std::exp(value);
    for (size_t j = 0; j < 4; ++j) {
      const double p = std::exp(x[row][j]) / total;
      const double q =
          smoothing / 4 + (static_cast<int64_t>(j) == labels[row] ? 1 - smoothing : 0.0);
      loss -= q * std::log(p);
      EXPECT_NEAR(logits.grad().to_rows<double>()[row][j], p - q, 1e-6);
    }
    EXPECT_NEAR(result.losses.value().to_vector<double>()[row], loss, 1e-5);
  }
  EXPECT_TRUE(
      close(result.correct, cross_entropy(logits, from_vector(device(), {3}, labels)).correct));

  Variable nothing(Tensor(device(), {0, 4}), true);
  CrossEntropy empty = cross_entropy(nothing, Tensor(device(), {0}, DType::i64), smoothing);
  EXPECT_EQ(empty.losses.shape(), Shape{0});
  empty.losses.backward(empty.losses.value());
  EXPECT_EQ(nothing.grad().shape(), (Shape{0, 4}));
}

TEST(Messages, NameTheShapes) {
  Variable x(ones(device(), {2, 3})), image(ones(device(), {1, 4, 4, 2}));
  Variable weight(ones(device(), {5, 3, 3, 1}));
  EXPECT_THAT(message_of([&] { linear(x, x4()); }), HasSubstr("[4]"));
  EXPECT_THAT(message_of([&] {
                linear(x, Variable(ones(device(), {5, 4})));
              }),
              HasSubstr("4 inputs"));
  EXPECT_THAT(message_of([&] { conv2d(image, weight); }), HasSubstr("input channels"));
  EXPECT_THAT(message_of([&] { pool2d(image, {.window = {5, 5}}); }), HasSubstr("does not fit"));
  EXPECT_THAT(message_of([&] { pool2d(image, {.kind = Pooling::average, .ceil = true}); }),
              HasSubstr("max pooling only"));
  EXPECT_THAT(message_of([&] { dropout(x, {.p = 1.5, .key = {}}); }), HasSubstr("1.5"));
  EXPECT_THAT(message_of([&] { cross_entropy(x, arange(device(), 3, DType::i64)); }),
              HasSubstr("[2, 3]"));
  EXPECT_THAT(message_of([&] { cross_entropy(x, ones(device(), {2})); }), HasSubstr("i64"));
  EXPECT_THAT(message_of([&] { squared_loss(x, ones(device(), {3, 2})); }), HasSubstr("[3, 2]"));
}

TEST(Variable, IsUsedLikeATensor) {
  const UseBackend use(device());
  const Variable x(arange(4), true);
  Variable y = 2 * dot(x, x);
  EXPECT_EQ(float(y), 28);
  y.backward();
  EXPECT_TRUE(close(x.grad(), {0, 4, 8, 12}));

  const Variable w(tensor({1, 2}), true);
  sum(matmul(tensor({{1, 2}, {3, 4}}), w)(all)).backward();
  EXPECT_TRUE(close(w.grad(), {4, 6}));

  const Variable z(tensor({1, 2, 4}), true);
  (sum(8 / z) + sum(pow(z, 3)(from(1)))).backward();
  EXPECT_TRUE(close(z.grad(), {-8, 10, 47.5}));
}

// The sum of 49 values of 2000 overflows f16, their average does not.
TEST(Precision, AveragesDoNotOverflow) {
  if (!device().computes(DType::f16)) GTEST_SKIP() << "f16 needs a GPU";
  const Variable x(full(device(), {2, 7, 7, 3}, 2000).cast(DType::f16), true);
  Variable y = mean(x, {1, 2});
  EXPECT_EQ(y.value().dtype(), DType::f16);
  EXPECT_EQ(y.value().to_vector<float>(), std::vector<float>(6, 2000));
  y.backward(full(device(), {2, 3}, 98).cast(DType::f16));
  EXPECT_EQ(x.grad().to_vector<float>(), std::vector<float>(2 * 49 * 3, 2));
}

}  // namespace
}  // namespace d2l
