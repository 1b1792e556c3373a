#include <algorithm>
#include <cmath>

#include "tests/backend/arrays.h"

namespace d2l::test {
namespace {

struct Case {
  Shape x, y;
};

std::vector<Case> cases() {
  return {
      {{}, {}},
      {{1}, {1}},
      {{17}, {1}},
      {{1000003}, {1}},
      {{37, 53}, {37, 53}},  // nothing is reduced
      {{37, 53}, {1, 1}},
      {{37, 1}, {37, 1}},
      {{3001, 10}, {3001, 1}},
      {{5, 100003}, {5, 1}},
      {{40, 2049}, {40, 1}},
      {{256, 10}, {1, 10}},
      {{1, 10}, {1, 10}},
      {{9, 10}, {1, 10}},
      {{100003, 3}, {1, 3}},
      {{100001, 2}, {1, 2}},
      {{3001, 63}, {1, 63}},
      {{3001, 64}, {1, 64}},
      {{701, 120}, {1, 120}},
      {{300, 5001}, {1, 5001}},
      {{8, 49, 64}, {8, 1, 64}},
      {{3, 4001, 5}, {3, 1, 5}},
      {{7, 5, 40, 3}, {1, 5, 1, 1}},
      {{7, 5, 40, 3}, {7, 1, 40, 1}},
      {{7, 5, 40, 3}, {1, 5, 1, 3}},
      {{7, 5, 40, 3}, {7, 1, 1, 3}},
      {{64, 30, 700}, {1, 30, 1}},
      {{2, 3, 2, 3, 2, 3, 2, 3}, {1, 3, 1, 3, 1, 3, 1, 3}},
      {{2, 3, 2, 3, 2, 3, 2, 3}, {2, 1, 2, 1, 2, 1, 2, 1}},
  };
}

int64_t index_in(const Case& test, int64_t index) {
  int64_t at = 0, step = 1;
  for (int axis = test.x.rank() - 1; axis >= 0; --axis) {
    if (test.y[axis] > 1) at += index % test.x[axis] * step;
    step *= test.y[axis];
    index /= test.x[axis];
  }
  return at;
}

std::vector<double> naive_reduce(Reduction op, const Case& test, const Floats& x) {
  const size_t size = static_cast<size_t>(test.y.elements());
  double start = 0;
  if (op == Reduction::max) start = -kInfinity;
  if (op == Reduction::min) start = kInfinity;
  std::vector<double> y(size, start);
  for (int64_t i = 0; i < test.x.elements(); ++i) {
    double& total = y[index_in(test, i)];
    if (op == Reduction::max)
      total = std::max<double>(total, x[i]);
    else if (op == Reduction::min)
      total = std::min<double>(total, x[i]);
    else
      total += x[i];
  }
  if (op == Reduction::mean)
    for (double& total : y) total *= static_cast<double>(size) / static_cast<double>(x.size());
  return y;
}

TEST(Reduce, EveryPatternOfAxes) {
  auto backend = make_cpu_backend(2);
  for (const Case& test : cases())
    for (Reduction op : {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min}) {
      Floats x = random_floats(test.x.elements()), y = poisoned(test.y.elements());
      backend->reduce(op, in(x, test.x), out(y, test.y));
      const bool exact = op == Reduction::max || op == Reduction::min;
      const double count = static_cast<double>(x.size()) / static_cast<double>(y.size());
      const double rounding = op == Reduction::sum ? 1e-6 * std::sqrt(count) : 1e-6;
      ASSERT_TRUE(near(y, naive_reduce(op, test, x), exact ? 0 : 1e-6, exact ? 0 : rounding))
          << test.x << " to " << test.y << " op " << static_cast<int>(op);
    }
  EXPECT_EQ(backend->pool().stats().bytes_in_use, 0u);  // scratch memory is given back
}

TEST(Reduce, LongSumsStayAccurate) {
  auto backend = make_cpu_backend(2);
  Floats total = poisoned(1);
  backend->reduce(Reduction::sum, in(Floats(1000000, 1.0f)), out(total));
  EXPECT_EQ(total[0], 1e6f);
  const Floats tenths(10000000, 0.1f);
  backend->reduce(Reduction::sum, in(tenths), out(total));
  EXPECT_NEAR(total[0] / (1e7 * static_cast<double>(0.1f)), 1, 1e-6);
  backend->reduce(Reduction::mean, in(tenths), out(total));
  EXPECT_NEAR(total[0] / static_cast<double>(0.1f), 1, 1e-6);
  for (int64_t columns : {2, 3, 10, 64, 100}) {
    Floats sums = poisoned(columns);
    const int64_t rows = 10000000 / columns;
    backend->reduce(Reduction::sum, in(tenths, {rows, columns}), out(sums, {1, columns}));
    const double expected = static_cast<double>(rows) * static_cast<double>(0.1f);
    for (float sum : sums) ASSERT_NEAR(sum / expected, 1, 1e-5) << columns;
  }
}

TEST(Reduce, SameBitsOnAnyNumberOfThreads) {
  for (const Case& test : cases())
    expect_thread_independent([&](Backend& backend) {
      Floats x = random_floats(test.x.elements()), y = poisoned(test.y.elements());
      backend.reduce(Reduction::sum, in(x, test.x), out(y, test.y));
      return y;
    });
}

TEST(Reduce, NaNIsNotLost) {
  auto backend = make_cpu_backend(1);
  for (int64_t size : {5, 100, 5000})
    for (int64_t at : {int64_t{0}, size / 2, size - 1})
      for (Reduction op : {Reduction::sum, Reduction::max, Reduction::min}) {
        Floats x = random_floats(size), y = {0};
        x[at] = kNaN;
        backend->reduce(op, in(x), out(y));
        EXPECT_TRUE(std::isnan(y[0])) << size << " " << at;
        Floats columns = poisoned(5);
        backend->reduce(op, in(x, {size / 5, 5}), out(columns, {1, 5}));
        for (int64_t k = 0; k < 5; ++k) EXPECT_EQ(std::isnan(columns[k]), k == at % 5) << size;
      }
}

TEST(Reduce, NothingToReduce) {
  auto backend = make_cpu_backend(1);
  Floats y = poisoned(3);
  const ConstView empty(nullptr, DType::f32, {0, 3});
  backend->reduce(Reduction::sum, empty, out(y, {1, 3}));
  EXPECT_TRUE(near(y, Floats{0, 0, 0}));
  backend->reduce(Reduction::max, empty, out(y, {1, 3}));
  EXPECT_TRUE(near(y, Floats{-kInfinity, -kInfinity, -kInfinity}));
  backend->reduce(Reduction::mean, empty, out(y, {1, 3}));
  EXPECT_TRUE(near(y, poisoned(3)));
}

// [outer, n, inner] around the axis
std::vector<int64_t> naive_argmax(const Floats& x, int64_t outer, int64_t n, int64_t inner) {
  std::vector<int64_t> result;
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t j = 0; j < inner; ++j) {
      int64_t best = 0;
      for (int64_t k = 1; k < n; ++k) {
        const float value = x[(i * n + k) * inner + j], record = x[(i * n + best) * inner + j];
        if (value > record || (std::isnan(value) && !std::isnan(record))) best = k;
      }
      result.push_back(best);
    }
  return result;
}

TEST(Argmax, FirstOfEqualsOnEveryAxis) {
  auto backend = make_cpu_backend(2);
  for (const Shape& shape : {Shape{1}, Shape{17}, Shape{100003}, Shape{3001, 10}, Shape{50, 1000},
                             Shape{300, 1, 130}, Shape{6, 70, 1500}, Shape{2, 3, 4, 5}})
    for (int axis = 0; axis < shape.rank(); ++axis) {
      Floats x = random_floats(shape.elements(), 0, 9, static_cast<uint64_t>(axis));
      for (float& value : x) value = std::floor(value);  // so that many are equal
      for (size_t i = 3; i < x.size(); i += 501) x[i] = kNaN;
      const Shape result_shape = shape.without_axis(axis);
      std::vector<int64_t> result(static_cast<size_t>(result_shape.elements()), -7);
      backend->argmax(in(x, shape), axis, out(result, result_shape));
      ASSERT_EQ(result, naive_argmax(x, shape.elements(0, axis), shape[axis],
                                     shape.elements(axis + 1, shape.rank())))
          << shape << " axis " << axis;
    }
}

TEST(Argmax, RowsOfMinusInfinity) {
  auto backend = make_cpu_backend(1);
  Floats x(100, -kInfinity);
  std::vector<int64_t> result = {-7};
  backend->argmax(in(x), 0, out(result, {}));
  EXPECT_EQ(result[0], 0);
}

TEST(Cumsum, BothDirectionsOnEveryAxis) {
  auto backend = make_cpu_backend(2);
  for (const Shape& shape : {Shape{1}, Shape{17}, Shape{10001}, Shape{301, 10}, Shape{3, 40, 70},
                             Shape{2, 3, 1100}, Shape{0, 3}})
    for (int axis = 0; axis < shape.rank(); ++axis)
      for (bool reverse : {false, true}) {
        Floats x = random_floats(shape.elements()), y = poisoned(shape.elements());
        backend->cumsum(in(x, shape), axis, reverse, out(y, shape));
        const int64_t n = shape[axis], inner = shape.elements(axis + 1, shape.rank());
        std::vector<double> expected(x.size());
        for (int64_t start = 0; start < shape.elements(); ++start) {
          if (start / inner % n != 0) continue;
          double sum = 0;
          for (int64_t k = 0; k < n; ++k) {
            const int64_t at = start + (reverse ? n - 1 - k : k) * inner;
            expected[at] = sum += x[at];
          }
        }
        ASSERT_TRUE(near(y, expected, 1e-7, 1e-6)) << shape << " axis " << axis;
      }
}

}  // namespace
}  // namespace d2l::test
