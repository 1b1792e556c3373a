#include <cmath>
#include <functional>

#include "tests/backend/arrays.h"

namespace d2l::test {
namespace {

const std::vector<int64_t> kSizes = {1, 3, 17, 64, 1000, 1000003};

// value and dy/dx in double
struct Formula {
  Unary op;
  const char* name;
  std::function<double(double)> value, slope;
  float low, high;
  double tolerance;
};

std::vector<Formula> formulas_to_test() {
  auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  return {
      {Unary::negate, "negate", [](double x) { return -x; }, [](double) { return -1.0; }, -9, 9, 0},
      {Unary::exp, "exp", [](double x) { return std::exp(x); },
       [](double x) { return std::exp(x); }, -80, 80, 3e-7},
      {Unary::log, "log", [](double x) { return std::log(x); }, [](double x) { return 1 / x; },
       1e-3f, 1e3f, 1e-6},
      {Unary::sqrt, "sqrt", [](double x) { return std::sqrt(x); },
       [](double x) { return 0.5 / std::sqrt(x); }, 1e-3f, 1e3f, 3e-7},
      {Unary::square, "square", [](double x) { return x * x; }, [](double x) { return 2 * x; }, -9,
       9, 2e-7},
      {Unary::abs, "abs", [](double x) { return std::abs(x); },
       [](double x) { return x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0); }, -9, 9, 0},
      {Unary::reciprocal, "reciprocal", [](double x) { return 1 / x; },
       [](double x) { return -1 / (x * x); }, 0.1f, 9, 4e-7},
      {Unary::sin, "sin", [](double x) { return std::sin(x); },
       [](double x) { return std::cos(x); }, -9, 9, 3e-7},
      {Unary::cos, "cos", [](double x) { return std::cos(x); },
       [](double x) { return -std::sin(x); }, -9, 9, 3e-7},
      {Unary::relu, "relu", [](double x) { return x > 0 ? x : 0; },
       [](double x) { return x > 0 ? 1.0 : 0.0; }, -9, 9, 0},
      {Unary::sigmoid, "sigmoid", sigmoid, [=](double x) { return sigmoid(x) * (1 - sigmoid(x)); },
       -20, 9, 5e-7},
      {Unary::tanh, "tanh", [](double x) { return std::tanh(x); },
       [](double x) { return 1 - std::tanh(x) * std::tanh(x); }, -9, 9, 2e-6},
  };
}

TEST(Unary, MatchesDoublesOnEverySize) {
  auto backend = make_cpu_backend(2);
  for (const Formula& formula : formulas_to_test())
    for (int64_t size : kSizes) {
      Floats x = random_floats(size, formula.low, formula.high), y = poisoned(size);
      backend->unary(formula.op, in(x), out(y));
      std::vector<double> expected;
      for (float value : x) expected.push_back(formula.value(value));
      ASSERT_TRUE(near(y, expected, formula.tolerance, 1e-12)) << formula.name << ", " << size;
    }
}

TEST(Unary, BackwardMatchesTheDerivative) {
  auto backend = make_cpu_backend(2);
  for (const Formula& formula : formulas_to_test())
    for (int64_t size : kSizes) {
      Floats x = random_floats(size, formula.low, formula.high), y = poisoned(size);
      Floats grad_y = random_floats(size, -1, 1, 7), grad_x = poisoned(size);
      backend->unary(formula.op, in(x), out(y));
      const bool reads_y_only =
          formula.op == Unary::relu || formula.op == Unary::sigmoid || formula.op == Unary::tanh;
      backend->unary_backward(formula.op, reads_y_only ? ConstView() : in(x), in(y), in(grad_y),
                              out(grad_x));
      std::vector<double> expected;
      for (size_t i = 0; i < x.size(); ++i) expected.push_back(grad_y[i] * formula.slope(x[i]));
      // y (1 - y) and 1 - y^2 near y = 1 keep only the digits that y has
      ASSERT_TRUE(near(grad_x, expected, 2e-6, 5e-7)) << formula.name << ", " << size;
    }
}

TEST(Unary, WorksInPlace) {
  auto backend = make_cpu_backend(1);
  Floats x = random_floats(1001), y = poisoned(1001), z = x;
  backend->unary(Unary::sigmoid, in(x), out(y));
  backend->unary(Unary::sigmoid, in(z), out(z));
  EXPECT_TRUE(same_bits(z, y));
  Floats grad = random_floats(1001, -1, 1, 3), expected = poisoned(1001);
  backend->unary_backward(Unary::sigmoid, {}, in(y), in(grad), out(expected));
  backend->unary_backward(Unary::sigmoid, {}, in(y), in(grad), out(grad));
  EXPECT_TRUE(same_bits(grad, expected));
}

TEST(Unary, ExtremesOfTheActivations) {
  auto backend = make_cpu_backend(1);
  Floats x = {-kInfinity, -200, -0.0f, 0, 1e-30f, 200, kInfinity, kNaN}, y = poisoned(8);
  backend->unary(Unary::sigmoid, in(x), out(y));
  EXPECT_TRUE(near(y, Floats{0, 0, 0.5f, 0.5f, 0.5f, 1, 1, kNaN}, 1e-6, 1e-37));
  backend->unary(Unary::tanh, in(x), out(y));
  EXPECT_TRUE(near(y, Floats{-1, -1, 0, 0, 1e-30f, 1, 1, kNaN}, 1e-6));
  backend->unary(Unary::exp, in(x), out(y));
  EXPECT_TRUE(near(y, Floats{0, 0, 1, 1, 1, kInfinity, kInfinity, kNaN}, 1e-6, 1e-37));
  backend->unary(Unary::relu, in(x), out(y));
  EXPECT_TRUE(near(y, Floats{0, 0, 0, 0, 1e-30f, 200, kInfinity, kNaN}, 0));
}

TEST(Binary, NotANumberStaysOne) {
  auto backend = make_cpu_backend(1);
  const Floats a = {kNaN, 1, kNaN, 2}, b = {1, kNaN, kNaN, 3};
  Floats y = poisoned(4);
  backend->binary(Binary::maximum, in(a), in(b), out(y));
  EXPECT_TRUE(near(y, Floats{kNaN, kNaN, kNaN, 3}, 0));
  backend->binary(Binary::minimum, in(a), in(b), out(y));
  EXPECT_TRUE(near(y, Floats{kNaN, kNaN, kNaN, 2}, 0));
}

// Results that are denormal, the last finite ones and those beyond.
TEST(Unary, ExpAndLogAtTheEndsOfTheirRange) {
  auto backend = make_cpu_backend(1);
  Floats x = {-kInfinity, -1000, -104, -103, -95, -87.5f, -0.0f, 88.7f, 88.8f, 1000, kInfinity};
  Floats y = poisoned(11);
  std::vector<double> expected;
  for (float value : x) expected.push_back(std::exp(static_cast<double>(value)));
  expected[8] = expected[9] = kInfinity;
  backend->unary(Unary::exp, in(x), out(y));
  EXPECT_TRUE(near(y, expected, 3e-7, 1.5e-45));  // one denormal step

  x = {0.0f, -0.0f, -1, -1e-40f, 1e-45f, 1e-40f, 1.2e-38f, 1, 3.4e38f, kInfinity, kNaN};
  expected.clear();
  for (float value : x) expected.push_back(std::log(static_cast<double>(value)));
  backend->unary(Unary::log, in(x), out(y));
  EXPECT_TRUE(near(y, expected, 2e-7));
}

// Relative errors over the whole range that training meets, in units of 2^-24.
TEST(Unary, AccuracyOfTheTranscendentalFunctions) {
  struct Range {
    Unary op;
    float low, high;
    double most;
    double (*exact)(double);
  };
  auto backend = make_cpu_backend(1);
  for (const Range& range :
       {Range{Unary::exp, -87, 88, 3, std::exp}, Range{Unary::log, 1e-6f, 4, 3, std::log},
        Range{Unary::tanh, -0.099f, 0.099f, 4, std::tanh},
        Range{Unary::tanh, 0.1f, 10, 17, std::tanh},
        Range{Unary::sigmoid, -80, 20, 5, [](double x) { return 1 / (1 + std::exp(-x)); }}}) {
    constexpr int64_t kCount = 1 << 20;
    Floats x(kCount), y = poisoned(kCount);
    for (int64_t i = 0; i < kCount; ++i)
      x[i] = range.low + (range.high - range.low) * static_cast<float>(i) / kCount;
    backend->unary(range.op, in(x), out(y));
    double worst = 0;
    for (int64_t i = 0; i < kCount; ++i) {
      const double exact = range.exact(x[i]);
      if (exact != 0) worst = std::max(worst, std::abs(y[i] - exact) / std::abs(exact));
    }
    EXPECT_LE(worst * 16777216, range.most) << static_cast<int>(range.op) << " " << range.low;
  }
}

// Its error is an absolute one: far to the left, where it is next to nothing, few digits are right.
TEST(Unary, GeluMatchesTheErrorFunction) {
  auto backend = make_cpu_backend(2);
  constexpr int64_t kCount = 1 << 18;
  Floats x(kCount), y = poisoned(kCount), ones(kCount, 1.0f), slopes = y;
  std::vector<double> expected, expected_slopes;
  for (int64_t i = 0; i < kCount; ++i) {
    x[i] = -20.0f + 40.0f * static_cast<float>(i) / kCount;
    const double value = x[i], below = 0.5 * std::erfc(-value / std::sqrt(2.0));
    expected.push_back(value * below);
    expected_slopes.push_back(below + value * std::exp(-value * value / 2) * 0.3989422804014327);
  }
  backend->unary(Unary::gelu, in(x), out(y));
  EXPECT_TRUE(near(y, expected, 2e-7, 5e-7));
  backend->unary_backward(Unary::gelu, in(x), in(y), in(ones), out(slopes));
  EXPECT_TRUE(near(slopes, expected_slopes, 2e-7, 5e-7));
  Floats extremes{1e30f, -1e30f, kInfinity, kNaN, 0}, ends = poisoned(5);
  backend->unary(Unary::gelu, in(extremes), out(ends));
  EXPECT_TRUE(near(ends, Floats{1e30f, 0, kInfinity, kNaN, 0}, 1e-6, 1e-6));
}

struct BinaryFormula {
  Binary op;
  std::function<double(double, double)> value;
};

const std::vector<BinaryFormula>& binary_formulas() {
  static const std::vector<BinaryFormula> all = {
      {Binary::add, [](double a, double b) { return a + b; }},
      {Binary::sub, [](double a, double b) { return a - b; }},
      {Binary::mul, [](double a, double b) { return a * b; }},
      {Binary::div, [](double a, double b) { return a / b; }},
      {Binary::pow, [](double a, double b) { return std::pow(a, b); }},
      {Binary::maximum, [](double a, double b) { return std::max(a, b); }},
      {Binary::minimum, [](double a, double b) { return std::min(a, b); }}};
  return all;
}

// Where element `index` of `out` reads an operand of shape `shape`, one axis at a time.
int64_t broadcast_index(int64_t index, const Shape& out_shape, const Shape& shape) {
  int64_t at = 0, step = 1;
  for (int i = 1; i <= out_shape.rank(); ++i) {
    const int64_t size = out_shape[out_shape.rank() - i], coordinate = index % size;
    index /= size;
    if (i > shape.rank()) continue;
    const int64_t own = shape[shape.rank() - i];
    if (own > 1) at += coordinate * step;
    step *= own;
  }
  return at;
}

struct Shapes {
  Shape a, b, out;
};

const std::vector<Shapes>& broadcasts() {
  static const std::vector<Shapes> all = {
      {{}, {}, {}},
      {{1}, {5}, {5}},
      {{17}, {1}, {17}},
      {{1000003}, {1000003}, {1000003}},
      {{100, 1000}, {1}, {100, 1000}},
      {{}, {100, 1000}, {100, 1000}},
      {{301, 10}, {10}, {301, 10}},
      {{3}, {70001, 3}, {70001, 3}},
      {{37, 129}, {129}, {37, 129}},
      {{200, 300}, {1, 300}, {200, 300}},
      {{301, 10}, {301, 1}, {301, 10}},
      {{3001, 1}, {3001, 33}, {3001, 33}},
      {{41, 1}, {1, 53}, {41, 53}},
      {{1, 53}, {41, 1}, {41, 53}},
      {{6, 5, 4}, {6, 1, 4}, {6, 5, 4}},
      {{6, 1, 4}, {5, 1}, {6, 5, 4}},
      {{2, 1, 3, 1, 4}, {5, 1, 6, 4}, {2, 5, 3, 6, 4}},
      {{40, 1, 50, 3}, {40, 60, 1, 3}, {40, 60, 50, 3}},
      {{2, 1, 2, 1, 2, 1, 2, 1}, {1, 3, 1, 3, 1, 3, 1, 3}, {2, 3, 2, 3, 2, 3, 2, 3}},
      {{4, 1, 1}, {1, 1, 1}, {4, 5, 6}},  // out is wider than both
      {{0, 4}, {4}, {0, 4}},
  };
  return all;
}

TEST(Binary, BroadcastsLikeTheIndexRule) {
  auto backend = make_cpu_backend(2);
  for (const Shapes& shapes : broadcasts())
    for (const BinaryFormula& formula : binary_formulas()) {
      Floats a = random_floats(shapes.a.elements(), 0.5f, 3, 1);
      Floats b = random_floats(shapes.b.elements(), 0.5f, 3, 2);
      Floats result = poisoned(shapes.out.elements());
      backend->binary(formula.op, in(a, shapes.a), in(b, shapes.b), out(result, shapes.out));
      std::vector<double> expected;
      for (int64_t i = 0; i < shapes.out.elements(); ++i)
        expected.push_back(formula.value(a[broadcast_index(i, shapes.out, shapes.a)],
                                         b[broadcast_index(i, shapes.out, shapes.b)]));
      ASSERT_TRUE(near(result, expected, 3e-7, 3e-7))
          << shapes.a << " " << shapes.b << " formula " << static_cast<int>(formula.op);
    }
}

TEST(Binary, WorksInPlace) {
  auto backend = make_cpu_backend(1);
  Floats a = random_floats(3010, 1, 2, 1), bias = random_floats(10, 1, 2, 2), sum = poisoned(3010);
  backend->binary(Binary::sub, in(a, {301, 10}), in(bias), out(sum, {301, 10}));
  Floats left = a;
  backend->binary(Binary::sub, in(left, {301, 10}), in(bias), out(left, {301, 10}));
  EXPECT_TRUE(same_bits(left, sum));
  backend->binary(Binary::sub, in(bias), in(a, {301, 10}), out(sum, {301, 10}));
  backend->binary(Binary::sub, in(bias), in(a, {301, 10}), out(a, {301, 10}));
  EXPECT_TRUE(same_bits(a, sum));
}

TEST(Binary, ScalarsOnEitherSide) {
  auto backend = make_cpu_backend(2);
  for (int64_t size : kSizes)
    for (const BinaryFormula& formula : binary_formulas())
      for (double scalar : {2.0, 3.0, 0.5, 1.7}) {
        Floats a = random_floats(size, 0.5f, 3), right = poisoned(size), left = poisoned(size);
        backend->binary_scalar(formula.op, in(a), scalar, out(right));
        backend->scalar_binary(formula.op, scalar, in(a), out(left));
        std::vector<double> expected_right, expected_left;
        const double rounded = static_cast<float>(scalar);
        for (float value : a) {
          expected_right.push_back(formula.value(value, rounded));
          expected_left.push_back(formula.value(rounded, value));
        }
        ASSERT_TRUE(near(right, expected_right, 3e-7, 3e-7)) << scalar;
        ASSERT_TRUE(near(left, expected_left, 3e-7, 3e-7)) << scalar;
      }
}

TEST(Compare, BroadcastsAndKnowsNaN) {
  auto backend = make_cpu_backend(2);
  const std::vector<std::pair<Compare, std::function<bool(float, float)>>> all = {
      {Compare::equal, std::equal_to<float>()},
      {Compare::not_equal, std::not_equal_to<float>()},
      {Compare::less, std::less<float>()},
      {Compare::less_equal, std::less_equal<float>()},
      {Compare::greater, std::greater<float>()},
      {Compare::greater_equal, std::greater_equal<float>()}};
  for (const Shapes& shapes : broadcasts())
    for (const auto& [op, holds] : all) {
      Floats a = random_floats(shapes.a.elements(), 0, 4, 1);
      Floats b = random_floats(shapes.b.elements(), 0, 4, 2);
      for (float& value : a) value = std::floor(value);  // so that some are equal
      for (float& value : b) value = std::floor(value);
      if (a.size() > 1) a[1] = kNaN;
      std::vector<uint8_t> result(static_cast<size_t>(shapes.out.elements()), 99);
      backend->compare(op, in(a, shapes.a), in(b, shapes.b), out(result, shapes.out));
      for (int64_t i = 0; i < shapes.out.elements(); ++i)
        ASSERT_EQ(result[i], holds(a[broadcast_index(i, shapes.out, shapes.a)],
                                   b[broadcast_index(i, shapes.out, shapes.b)])
                                 ? 1
                                 : 0)
            << shapes.a << " " << shapes.b << " at " << i;
    }
}

TEST(Axpby, ScalesAndAdds) {
  auto backend = make_cpu_backend(2);
  for (int64_t size : kSizes) {
    Floats x = random_floats(size, -1, 1, 1), y = random_floats(size, -1, 1, 2);
    std::vector<double> expected, scaled;
    for (size_t i = 0; i < x.size(); ++i) {
      expected.push_back(0.5 * x[i] - 2.0 * y[i]);
      scaled.push_back(0.5 * x[i]);
    }
    backend->axpby(0.5, in(x), -2, out(y));
    ASSERT_TRUE(near(y, expected, 1e-6, 3e-7));
    Floats unread = poisoned(size);  // beta = 0 must not read NaN
    backend->axpby(0.5, in(x), 0, out(unread));
    ASSERT_TRUE(near(unread, scaled, 0));
  }
}

TEST(Elementwise, SameBitsOnAnyNumberOfThreads) {
  expect_thread_independent([](Backend& backend) {
    Floats x = random_floats(1000006), bias = random_floats(7, -1, 1, 5), y = poisoned(1000006);
    backend.unary(Unary::tanh, in(x), out(y));
    backend.binary(Binary::mul, in(y, {142858, 7}), in(bias), out(y, {142858, 7}));
    return y;
  });
}

}  // namespace
}  // namespace d2l::test
