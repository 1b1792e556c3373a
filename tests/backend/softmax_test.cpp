#include <algorithm>
#include <cmath>

#include "tests/backend/arrays.h"

namespace d2l::test {
namespace {

struct Rows {
  int64_t n, c;
};

const std::vector<Rows> kShapes = {{1, 1},   {3, 2},    {17, 10},   {256, 10}, {33, 64},
                                   {33, 65}, {5, 1000}, {2, 50257}, {9001, 7}};

std::vector<double> naive_log_softmax(const Floats& x, Rows shape) {
  std::vector<double> y(x.size());
  for (int64_t i = 0; i < shape.n; ++i) {
    double max = -INFINITY, sum = 0;
    for (int64_t j = 0; j < shape.c; ++j) max = std::max<double>(max, x[i * shape.c + j]);
    for (int64_t j = 0; j < shape.c; ++j) sum += std::exp(x[i * shape.c + j] - max);
    for (int64_t j = 0; j < shape.c; ++j)
      y[i * shape.c + j] = x[i * shape.c + j] - max - std::log(sum);
  }
  return y;
}

std::vector<double> exponentials(std::vector<double> x) {
  for (double& value : x) value = std::exp(value);
  return x;
}

TEST(Softmax, MatchesDoubles) {
  auto backend = make_cpu_backend(2);
  for (Rows shape : kShapes) {
    const Shape sizes{shape.n, shape.c};
    Floats x = random_floats(sizes.elements(), -30, 30), y = poisoned(sizes.elements());
    const std::vector<double> logs = naive_log_softmax(x, shape);
    backend->softmax(in(x, sizes), out(y, sizes));
    EXPECT_TRUE(near(y, exponentials(logs), 3e-6, 1e-30)) << sizes;
    y = poisoned(sizes.elements());
    backend->log_softmax(in(x, sizes), out(y, sizes));
    EXPECT_TRUE(near(y, logs, 1e-6, 2e-6)) << sizes;
  }
}

TEST(Softmax, IsOverTheLastAxisOfAnyRank) {
  auto backend = make_cpu_backend(1);
  Floats x = random_floats(2 * 3 * 5), y = poisoned(30), flat = poisoned(30);
  backend->softmax(in(x, {2, 3, 5}), out(y, {2, 3, 5}));
  backend->softmax(in(x, {6, 5}), out(flat, {6, 5}));
  EXPECT_TRUE(same_bits(y, flat));
  EXPECT_TRUE(near(y, exponentials(naive_log_softmax(x, {6, 5})), 1e-6));
}

TEST(Softmax, HugeLogitsAndMaskedEntries) {
  auto backend = make_cpu_backend(1);
  for (int64_t c : {5, 40, 65, 200}) {
    const Shape sizes{2, c};
    Floats x(static_cast<size_t>(2 * c), -kInfinity), y = poisoned(2 * c);
    x[1] = x[3] = 1e30f;
    x[c] = -1e30f;
    x[c + 1] = -3e38f;
    backend->softmax(in(x, sizes), out(y, sizes));
    Floats expected(static_cast<size_t>(2 * c), 0.0f);
    expected[1] = expected[3] = 0.5f;
    expected[c] = 1;
    EXPECT_TRUE(near(y, expected, 1e-6, 0)) << c;
    backend->log_softmax(in(x, sizes), out(y, sizes));
    EXPECT_NEAR(y[1], -std::log(2.0), 1e-6);
    EXPECT_EQ(y[2], -kInfinity);
    EXPECT_EQ(y[c], 0.0f);
  }
}

TEST(Softmax, NothingButMinusInfinityIsNaN) {
  auto backend = make_cpu_backend(1);
  for (int64_t c : {3, 100}) {
    Floats x(static_cast<size_t>(2 * c), -kInfinity), y(static_cast<size_t>(2 * c), 0.0f);
    std::fill_n(x.begin() + c, c, 1.0f);
    backend->softmax(in(x, {2, c}), out(y, {2, c}));
    Floats expected(static_cast<size_t>(2 * c), kNaN);
    std::fill_n(expected.begin() + c, c, 1.0f / static_cast<float>(c));
    EXPECT_TRUE(near(y, expected, 1e-6)) << c;
  }
}

TEST(Softmax, BackwardMatchesTheJacobian) {
  auto backend = make_cpu_backend(2);
  for (Rows shape : kShapes) {
    const Shape sizes{shape.n, shape.c};
    Floats x = random_floats(sizes.elements(), -3, 3),
           grad_y = random_floats(sizes.elements(), -1, 1, 4);
    Floats y = poisoned(sizes.elements()), grad_x = poisoned(sizes.elements());
    const std::vector<double> logs = naive_log_softmax(x, shape);
    std::vector<double> expected(x.size()), expected_log(x.size());
    for (int64_t i = 0; i < shape.n; ++i) {
      double dot = 0, sum = 0;
      for (int64_t j = i * shape.c; j < (i + 1) * shape.c; ++j) {
        dot += std::exp(logs[j]) * grad_y[j];
        sum += grad_y[j];
      }
      for (int64_t j = i * shape.c; j < (i + 1) * shape.c; ++j) {
        expected[j] = std::exp(logs[j]) * (grad_y[j] - dot);
        expected_log[j] = grad_y[j] - std::exp(logs[j]) * sum;
      }
    }
    backend->softmax(in(x, sizes), out(y, sizes));
    backend->softmax_backward(in(y, sizes), in(grad_y, sizes), out(grad_x, sizes));
    EXPECT_TRUE(near(grad_x, expected, 1e-5, 3e-7)) << sizes;
    grad_x = poisoned(sizes.elements());
    backend->log_softmax(in(x, sizes), out(y, sizes));
    backend->log_softmax_backward(in(y, sizes), in(grad_y, sizes), out(grad_x, sizes));
    EXPECT_TRUE(near(grad_x, expected_log, 1e-5, 1e-6)) << sizes;
  }
}

TEST(Softmax, LogBackwardOfAMaskedEntryPassesTheGradientOn) {
  auto backend = make_cpu_backend(1);
  Floats y = {-kInfinity, 0}, grad_y = {2, 3}, grad_x = poisoned(2);
  backend->log_softmax_backward(in(y, {1, 2}), in(grad_y, {1, 2}), out(grad_x, {1, 2}));
  EXPECT_TRUE(near(grad_x, Floats{2, -2}, 1e-6));
}

std::vector<int64_t> some_labels(Rows shape) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < shape.n; ++i) labels.push_back((i * 7919 + 3) % shape.c);
  return labels;
}

TEST(CrossEntropy, MatchesDoubles) {
  auto backend = make_cpu_backend(2);
  for (Rows shape : kShapes) {
    const Shape sizes{shape.n, shape.c};
    Floats x = random_floats(sizes.elements(), -3, 3);
    const std::vector<int64_t> labels = some_labels(shape);
    for (int64_t i = 0; i < shape.n; i += 2) x[i * shape.c + labels[i]] = 3.5f;  // correct ones
    const std::vector<double> logs = naive_log_softmax(x, shape);
    Floats losses = poisoned(shape.n), correct = poisoned(shape.n);
    Floats probabilities = poisoned(sizes.elements());
    backend->cross_entropy(in(x, sizes), in(labels, {shape.n}), out(losses),
                           out(probabilities, sizes), out(correct));
    std::vector<double> expected_losses, expected_correct;
    for (int64_t i = 0; i < shape.n; ++i) {
      const float* row = x.data() + i * shape.c;
      expected_losses.push_back(-logs[i * shape.c + labels[i]]);
      expected_correct.push_back(std::max_element(row, row + shape.c) - row == labels[i]);
    }
    EXPECT_TRUE(near(losses, expected_losses, 1e-6, 2e-6)) << sizes;
    EXPECT_TRUE(near(correct, expected_correct, 0)) << sizes;
    EXPECT_TRUE(near(probabilities, exponentials(logs), 3e-6)) << sizes;
  }
}

TEST(CrossEntropy, TheFirstOfEqualLogitsIsTheAnswer) {
  auto backend = make_cpu_backend(1);
  for (int64_t c : {4, 100}) {
    Floats x(static_cast<size_t>(3 * c), 0.0f), losses = poisoned(3), correct = poisoned(3);
    Floats probabilities = poisoned(3 * c);
    for (int64_t i = 0; i < 3; ++i) x[i * c + 1] = x[i * c + 2] = 5;
    backend->cross_entropy(in(x, {3, c}), in(std::vector<int64_t>{0, 1, 2}, {3}), out(losses),
                           out(probabilities, {3, c}), out(correct));
    EXPECT_TRUE(near(correct, Floats{0, 1, 0}, 0)) << c;
  }
}

TEST(CrossEntropy, HugeLogitsGiveFiniteLosses) {
  auto backend = make_cpu_backend(1);
  Floats x = {1e4f, 0, -1e4f}, losses = poisoned(1), correct = poisoned(1), p = poisoned(3);
  backend->cross_entropy(in(x, {1, 3}), in(std::vector<int64_t>{2}, {1}), out(losses),
                         out(p, {1, 3}), out(correct));
  EXPECT_FLOAT_EQ(losses[0], 2e4f);
  EXPECT_TRUE(near(p, Floats{1, 0, 0}, 0));
}

TEST(CrossEntropy, BackwardSubtractsTheLabel) {
  auto backend = make_cpu_backend(2);
  for (Rows shape : kShapes) {
    const Shape sizes{shape.n, shape.c};
    Floats p = random_floats(sizes.elements(), 0, 1),
           grad_losses = random_floats(shape.n, -1, 1, 8);
    Floats grad = poisoned(sizes.elements());
    const std::vector<int64_t> labels = some_labels(shape);
    backend->cross_entropy_backward(in(p, sizes), in(labels, {shape.n}), in(grad_losses),
                                    out(grad, sizes));
    std::vector<double> expected;
    for (int64_t i = 0; i < shape.n; ++i)
      for (int64_t j = 0; j < shape.c; ++j)
        expected.push_back((static_cast<double>(p[i * shape.c + j]) - (j == labels[i])) *
                           grad_losses[i]);
    EXPECT_TRUE(near(grad, expected, 1e-6)) << sizes;
  }
}

TEST(Softmax, SameBitsOnAnyNumberOfThreads) {
  for (Rows shape : {Rows{9001, 10}, Rows{301, 700}})
    expect_thread_independent([shape](Backend& backend) {
      const Shape sizes{shape.n, shape.c};
      Floats x = random_floats(sizes.elements(), -5, 5), y = poisoned(sizes.elements());
      Floats losses = poisoned(shape.n), correct = poisoned(shape.n);
      backend.cross_entropy(in(x, sizes), in(some_labels(shape), {shape.n}), out(losses),
                            out(y, sizes), out(correct));
      losses.insert(losses.end(), y.begin(), y.end());
      return losses;
    });
}

}  // namespace
}  // namespace d2l::test
