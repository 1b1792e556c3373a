#include "framework/tensor/elementwise.h"

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
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Elementwise, UnaryFunctionsAgreeWithTheStandardLibrary) {
  struct Case {
    Unary op;
    double (*expected)(double);
  };
  const Case cases[] = {
      {Unary::negate, [](double x) { return -x; }},
      {Unary::exp, [](double x) { return std::exp(x); }},
      {Unary::log, [](double x) { return std::log(x); }},
      {Unary::sqrt, [](double x) { return std::sqrt(x); }},
      {Unary::square, [](double x) { return x * x; }},
      {Unary::abs, [](double x) { return std::fabs(x); }},
      {Unary::reciprocal, [](double x) { return 1 / x; }},
      {Unary::sin, [](double x) { return std::sin(x); }},
      {Unary::cos, [](double x) { return std::cos(x); }},
      {Unary::relu, [](double x) { return x > 0 ? x : 0; }},
      {Unary::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {Unary::tanh, [](double x) { return std::tanh(x); }},
      {Unary::gelu, [](double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }},
  };
  for (const Case& c : cases) {
    bool positive_only = c.op == Unary::log || c.op == Unary::sqrt;
    std::vector<float> inputs, expected;
    for (int i = -60; i <= 60; ++i) {
      float x = static_cast<float>(i) / 16 + 0.01f;
      if (positive_only && x <= 0) continue;
      inputs.push_back(x);
      expected.push_back(static_cast<float>(c.expected(x)));
    }
    Tensor x = from_vector(device(), {static_cast<int64_t>(inputs.size())}, inputs);
    EXPECT_TRUE(close(unary(c.op, x), expected, 2e-6, 1e-6)) << static_cast<int>(c.op);
    EXPECT_TRUE(close(x, inputs, 0, 0)) << "the input must stay";
  }
}

TEST(Elementwise, NamedFunctionsAreTheirFormulas) {
  Tensor x = from_list(device(), {0.25f, 1, 4});
  EXPECT_TRUE(close(exp(x), {1.2840254f, 2.7182818f, 54.59815f}));
  EXPECT_TRUE(close(log(x), {-1.3862944f, 0, 1.3862944f}));
  EXPECT_TRUE(close(sqrt(x), {0.5f, 1, 2}));
  EXPECT_TRUE(close(square(x), {0.0625f, 1, 16}));
  EXPECT_TRUE(close(sin(x), {0.24740396f, 0.84147098f, -0.7568025f}));
  EXPECT_TRUE(close(cos(x), {0.96891242f, 0.54030231f, -0.65364362f}));
  EXPECT_TRUE(close(sigmoid(x), {0.5621765f, 0.7310586f, 0.9820138f}));
  EXPECT_TRUE(close(tanh(x), {0.24491866f, 0.76159416f, 0.9993293f}));
  EXPECT_TRUE(close(pow(x, 1.5), {0.125f, 1, 8}));
  EXPECT_TRUE(close(-x, {-0.25f, -1, -4}));
  EXPECT_TRUE(close(abs(x - 2), {1.75f, 1, 2}));
  EXPECT_TRUE(close(relu(x - 2), {0, 0, 2}));
}

TEST(Elementwise, TheBooksArithmetic) {
  Tensor x = from_list(device(), {1, 2, 4, 8}), y = from_list(device(), {2, 2, 2, 2});
  EXPECT_TRUE(close(x + y, {3, 4, 6, 10}));
  EXPECT_TRUE(close(x - y, {-1, 0, 2, 6}));
  EXPECT_TRUE(close(x * y, {2, 4, 8, 16}));
  EXPECT_TRUE(close(x / y, {0.5f, 1, 2, 4}));
  EXPECT_TRUE(close(binary(Binary::pow, x, y), {1, 4, 16, 64}));
}

TEST(Elementwise, NumbersOnEitherSide) {
  Tensor x = from_list(device(), {1, 2, 4});
  EXPECT_TRUE(close(x + 1, {2, 3, 5}));
  EXPECT_TRUE(close(x - 1, {0, 1, 3}));
  EXPECT_TRUE(close(x * 3, {3, 6, 12}));
  EXPECT_TRUE(close(x / 2, {0.5f, 1, 2}));
  EXPECT_TRUE(close(1 + x, {2, 3, 5}));
  EXPECT_TRUE(close(1 - x, {0, -1, -3}));
  EXPECT_TRUE(close(3 * x, {3, 6, 12}));
  EXPECT_TRUE(close(2 / x, {2, 1, 0.5f}));
  EXPECT_TRUE(close(binary(Binary::maximum, x, 2), {2, 2, 4}));
  EXPECT_TRUE(close(binary(Binary::pow, 2, x), {2, 4, 16}));
}

TEST(Elementwise, ScalarsAndEmptyTensors) {
  Tensor scalar = full(device(), {}, 3), empty = zeros(device(), {0, 2});
  EXPECT_EQ((scalar * scalar).rank(), 0);
  EXPECT_EQ((scalar * scalar).item<float>(), 9);
  EXPECT_EQ((empty + from_list(device(), {1, 2})).shape(), (Shape{0, 2}));
  EXPECT_EQ((empty + zeros(device(), {1, 2})).shape(), (Shape{0, 2}));
  EXPECT_EQ((exp(empty) * 2 - 1).shape(), (Shape{0, 2}));
  EXPECT_EQ((empty == empty).shape(), (Shape{0, 2}));
  empty += 1;
  empty += from_list(device(), {1, 2});
  EXPECT_EQ(empty.elements(), 0);
}

TEST(Elementwise, ComparisonsAnswerBytes) {
  Tensor a = from_list(device(), {1, 2, 3}), b = from_list(device(), {3, 2, 1});
  EXPECT_EQ((a == b).dtype(), DType::u8);
  EXPECT_THAT((a == b).to_vector<uint8_t>(), ElementsAre(0, 1, 0));
  EXPECT_THAT((a != b).to_vector<uint8_t>(), ElementsAre(1, 0, 1));
  EXPECT_THAT((a < b).to_vector<uint8_t>(), ElementsAre(1, 0, 0));
  EXPECT_THAT((a <= b).to_vector<uint8_t>(), ElementsAre(1, 1, 0));
  EXPECT_THAT((a > b).to_vector<uint8_t>(), ElementsAre(0, 0, 1));
  EXPECT_THAT((a >= b).to_vector<uint8_t>(), ElementsAre(0, 1, 1));
  EXPECT_THAT(compare(Compare::less, a, 2.5).to_vector<uint8_t>(), ElementsAre(1, 1, 0));
  Tensor column = b.reshape({3, 1});
  EXPECT_EQ((a == column).shape(), (Shape{3, 3}));
  EXPECT_THAT((a == column).to_vector<uint8_t>(), ElementsAre(0, 0, 1, 0, 1, 0, 1, 0, 0));
  EXPECT_TRUE(close((a == b).cast(DType::f32), {0, 1, 0}));
}

TEST(Elementwise, NanIsEqualToNothing) {
  Tensor x = from_list(device(), {NAN, 1});
  EXPECT_THAT((x == x).to_vector<uint8_t>(), ElementsAre(0, 1));
  EXPECT_THAT((x != x).to_vector<uint8_t>(), ElementsAre(1, 0));
}

TEST(InPlace, KeepsTheMemoryAndAllocatesNothing) {
  Tensor x = arange(device(), 600).reshape({2, 300}), y = ones(device(), {300});
  Tensor alias = x;
  const void* address = x.view().data;
  device().pool().trim();  // so that new blocks must come from the system
  MemoryPool::Stats before = device().pool().stats();
  x += y;
  x *= y;
  x -= y;
  x /= y;
  x += 3;
  x *= 2;
  x -= 1;
  x /= 2;
  axpby(0.5, x, 0.5, alias);
  MemoryPool::Stats after = device().pool().stats();
  EXPECT_EQ(after.system_allocations, before.system_allocations);
  EXPECT_EQ(after.bytes_in_use, before.bytes_in_use);
  EXPECT_EQ(x.view().data, address);
  EXPECT_EQ(alias[1][299].item<float>(), 599 + 2.5f);
  EXPECT_EQ(alias[0][0].item<float>(), 2.5f);
}

TEST(InPlace, SameOperandTwice) {
  Tensor x = from_list(device(), {1, 2, 3});
  x += x;
  EXPECT_TRUE(close(x, {2, 4, 6}));
  x *= x;
  EXPECT_TRUE(close(x, {4, 16, 36}));
  x -= x;
  EXPECT_TRUE(close(x, {0, 0, 0}));
}

TEST(InPlace, OperandInsideTheTarget) {
  Tensor x = arange(device(), 6).reshape({3, 2});
  x += x[0];
  EXPECT_TRUE(close(x, {0, 2, 2, 4, 4, 6}));
  x -= x[-1];
  EXPECT_TRUE(close(x, {-4, -4, -2, -2, 0, 0}));
  Tensor y = arange(device(), 5), tail = y.rows(1, 5);
  tail += y.rows(0, 4);
  EXPECT_TRUE(close(y, {0, 1, 3, 5, 7}));
}

TEST(InPlace, WritesIntoAnAliasedPart) {
  Tensor x = zeros(device(), {3, 2}), row = x[1];
  row += from_list(device(), {5, 6});
  EXPECT_TRUE(close(x, {0, 0, 5, 6, 0, 0}));
}

TEST(InPlace, NeverWidensTheTarget) {
  Tensor row = zeros(device(), {3}), matrix = zeros(device(), {2, 3});
  EXPECT_EQ(message_of([&] { row += matrix; }), "add: [2, 3] does not broadcast to [3]");
  EXPECT_EQ(message_of([&] { row /= zeros(device(), {2}); }), "div: [2] does not broadcast to [3]");
  EXPECT_THAT(message_of([&] { row *= zeros(device(), {1, 3}); }), HasSubstr("mul: [1, 3]"));
  EXPECT_THAT(message_of([&] { row += ones(device(), {3}, DType::i64); }),
              HasSubstr("add: expected f32, found i64"));
}

TEST(Axpby, ScalesBothSides) {
  Tensor x = from_list(device(), {1, 2}), y = from_list(device(), {10, NAN});
  axpby(2, x, 0, y);
  EXPECT_TRUE(close(y, {2, 4}));  // y is not read when beta is 0
  axpby(1, x, -1, y);
  EXPECT_TRUE(close(y, {-1, -2}));
  axpby(1, x.cast(DType::bf16), 1, y);
  EXPECT_TRUE(close(y, {0, 0}));
  EXPECT_EQ(message_of([&] { axpby(1, zeros(device(), {1}), 1, y); }), "axpby: x is [1], y is [2]");
}

TEST(Elementwise, SaysWhatDoesNotFit) {
  Tensor a = zeros(device(), {2, 3}), b = zeros(device(), {4});
  EXPECT_EQ(message_of([&] { a + b; }),
            "add: shapes [2, 3] and [4] do not broadcast: sizes 3 and 4 differ and neither is 1");
  EXPECT_THAT(message_of([&] { a < b; }), HasSubstr("compare: shapes [2, 3] and [4]"));
  EXPECT_EQ(message_of([] { exp(zeros(device(), {2}, DType::i64)); }),
            "exp: expected f32, found i64");
  EXPECT_EQ(message_of([&] { a* zeros(device(), {3}, DType::u8); }), "mul: expected f32, found u8");
}

// b's shape broadcasts with a's: axes are dropped from the front or shrunk to 1 at random.
Shape partner_of(Dice& dice, const Shape& shape) {
  Shape partner;
  for (int64_t axis = dice.between(0, shape.rank()); axis < shape.rank(); ++axis)
    partner.append(dice.chance(0.4) ? 1 : shape[static_cast<int>(axis)]);
  return partner;
}

TEST(Broadcasting, FuzzAgainstLoops) {
  Dice dice(7);
  for (int round = 0; round < 600; ++round) {
    Shape whole = dice.shape(5, 5, round % 20 == 0 ? 0 : 1);
    Shape shape_a = partner_of(dice, whole), shape_b = partner_of(dice, whole);
    Shape shape = broadcast(shape_a, shape_b);
    std::vector<float> a = dice.values(shape_a.elements()), b = dice.values(shape_b.elements());
    std::vector<float> difference, larger;
    std::vector<uint8_t> less;
    test::for_each_index(shape, [&](const std::vector<int64_t>& index) {
      float x = a[test::element_of(shape_a, index)], y = b[test::element_of(shape_b, index)];
      difference.push_back(x - y);
      larger.push_back(std::max(x, y));
      less.push_back(x < y);
    });
    Tensor left = from_vector(device(), shape_a, a), right = from_vector(device(), shape_b, b);
    Tensor result = left - right;
    ASSERT_EQ(result.shape(), shape);
    ASSERT_EQ(result.to_vector<float>(), difference) << shape_a << " - " << shape_b;
    ASSERT_EQ(binary(Binary::maximum, left, right).to_vector<float>(), larger);
    ASSERT_EQ((left < right).to_vector<uint8_t>(), less) << shape_a << " < " << shape_b;
    if (shape == shape_a) {
      left -= right;
      ASSERT_EQ(left.to_vector<float>(), difference) << shape_a << " -= " << shape_b;
    }
  }
}

}  // namespace
}  // namespace d2l
