#include "tests/backend/naive.h"

namespace d2l::test {
namespace {

using naive::Array;
using naive::Doubles;

struct Case {
  int64_t batch, height, width, channels;
  Extent window{2, 2}, stride{2, 2}, padding{0, 0};
};

class PoolingTest : public testing::TestWithParam<Case> {
 protected:
  Pool2dParams params(Pooling kind) const { return {kind, c.window, c.stride, c.padding}; }

  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  Case c = GetParam();
  Shape x_shape{c.batch, c.height, c.width, c.channels};
  Shape y_shape{
      c.batch, naive::out_size(c.height, c.window.height, c.stride.height, c.padding.height),
      naive::out_size(c.width, c.window.width, c.stride.width, c.padding.width), c.channels};
  Array<float> x{*backend, x_shape}, y{*backend, y_shape};
  Array<uint8_t> winners{*backend, y_shape};
};

TEST_P(PoolingTest, AverageCountsPadding) {
  x.random(1);
  double scale = 1.0 / static_cast<double>(c.window.height * c.window.width);
  Doubles expected(static_cast<size_t>(y.count()), 0.0), expected_grad(x.values().size(), 0.0);
  auto p = params(Pooling::average);
  naive::for_windows(p, x_shape, y_shape, [&](int64_t i, int64_t o, int64_t) {
    expected[o] += scale * static_cast<double>(x[i]);
  });
  backend->pool2d(p, x.view(), y.view(), {});
  EXPECT_TRUE(naive::close(y.values(), expected, 1e-5));

  y.random(2), x.poison();
  naive::for_windows(p, x_shape, y_shape, [&](int64_t i, int64_t o, int64_t) {
    expected_grad[i] += scale * static_cast<double>(y[o]);
  });
  backend->pool2d_backward(p, y.view(), {}, x.view());
  EXPECT_TRUE(naive::close(x.values(), expected_grad, 1e-5));
}

TEST_P(PoolingTest, MaxTakesTheFirstOfEqualValues) {
  x.random(1);
  for (int64_t i = 0; i < x.count(); ++i) x[i] = std::round(x[i] * 3);  // many equal values
  constexpr double kNothing = -std::numeric_limits<double>::infinity();
  Doubles expected(static_cast<size_t>(y.count()), kNothing);
  std::vector<uint8_t> expected_winners(expected.size());
  std::vector<int64_t> source(expected.size());
  auto p = params(Pooling::max);
  naive::for_windows(p, x_shape, y_shape, [&](int64_t i, int64_t o, int64_t position) {
    if (static_cast<double>(x[i]) <= expected[o]) return;
    expected[o] = static_cast<double>(x[i]);
    expected_winners[o] = static_cast<uint8_t>(position);
    source[o] = i;
  });
  backend->pool2d(p, x.view(), y.view(), winners.view());
  EXPECT_TRUE(naive::close(y.values(), expected, 0));
  EXPECT_EQ(winners.values(), expected_winners);
  y.poison();
  backend->pool2d(p, x.view(), y.view(), {});
  EXPECT_TRUE(naive::close(y.values(), expected, 0));

  y.random(2), x.poison();
  Doubles expected_grad(static_cast<size_t>(x.count()), 0.0);
  for (int64_t o = 0; o < y.count(); ++o) expected_grad[source[o]] += static_cast<double>(y[o]);
  backend->pool2d_backward(p, y.view(), winners.view(), x.view());
  auto first = x.values();
  EXPECT_TRUE(naive::close(first, expected_grad, 1e-6));
  x.poison();
  backend->pool2d_backward(p, y.view(), winners.view(), x.view());
  EXPECT_EQ(first, x.values());
}

TEST_P(PoolingTest, SteadyStateAsksTheSystemForNothing) {
  x.random(1);
  auto step = [&](Pooling kind) {
    backend->pool2d(params(kind), x.view(), y.view(), winners.view());
    backend->pool2d_backward(params(kind), y.view(), winners.view(), x.view());
  };
  step(Pooling::max), step(Pooling::average);
  uint64_t before = backend->pool().stats().system_allocations;
  for (int i = 0; i < 3; ++i) step(Pooling::max), step(Pooling::average);
  EXPECT_EQ(backend->pool().stats().system_allocations, before);
}

INSTANTIATE_TEST_SUITE_P(Shapes, PoolingTest,
                         testing::Values(Case{17, 28, 28, 6}, Case{17, 10, 10, 16},
                                         Case{3, 7, 9, 1}, Case{1, 9, 7, 3},
                                         Case{3, 12, 11, 20, {3, 3}, {2, 2}, {1, 1}},
                                         Case{3, 13, 8, 64, {3, 3}, {2, 2}, {0, 0}},
                                         Case{2, 9, 9, 6, {3, 3}, {1, 1}, {1, 1}},
                                         Case{2, 11, 12, 6, {2, 2}, {3, 3}, {0, 0}},
                                         Case{2, 11, 12, 8, {1, 2}, {3, 4}, {0, 1}},
                                         Case{2, 7, 7, 20, {7, 7}, {1, 1}, {0, 0}},
                                         Case{2, 8, 8, 12}, Case{3, 9, 9, 20, {3, 3}, {3, 3}},
                                         Case{2, 7, 9, 10, {1, 3}, {1, 3}}, Case{0, 8, 8, 6},
                                         Case{1, 15, 17, 5, {15, 17}, {1, 1}, {0, 0}},
                                         Case{2, 6, 10, 3, {2, 5}, {1, 2}, {1, 2}}));

TEST(GlobalPooling, AveragesWindowsOfAnySize) {
  auto backend = make_cpu_backend(1);
  Array<float> x(*backend, {2, 20, 30, 6}), y(*backend, {2, 1, 1, 6});
  x.random(3);
  Doubles expected(12, 0.0);
  for (int64_t i = 0; i < x.count(); ++i)
    expected[i / 3600 * 6 + i % 6] += static_cast<double>(x[i]) / 600.0;
  backend->pool2d({Pooling::average, {20, 30}, {1, 1}, {0, 0}}, x.view(), y.view(), {});
  EXPECT_TRUE(naive::close(y.values(), expected, 1e-6));
}

// 3 x 3 windows of which the last stick out over the right and the lower edge.
TEST(MaxPooling, WindowsMayStickOut) {
  auto backend = make_cpu_backend(2);
  for (int64_t channels : {3, 8}) {
    const Pool2dParams params{.window = {3, 3}, .stride = {2, 2}, .ceil = true};
    const Shape x_shape{2, 6, 4, channels}, y_shape{2, 3, 2, channels};
    Array<float> x(*backend, x_shape), y(*backend, y_shape);
    Array<uint8_t> winners(*backend, y_shape);
    x.random(1);
    for (int64_t i = 0; i < x.count(); ++i) x[i] -= 2;  // absent elements are no zeros
    Doubles expected(static_cast<size_t>(y.count()), -10.0);
    std::vector<int64_t> source(expected.size());
    naive::for_windows(params, x_shape, y_shape, [&](int64_t i, int64_t o, int64_t) {
      if (static_cast<double>(x[i]) <= expected[o]) return;
      expected[o] = static_cast<double>(x[i]);
      source[o] = i;
    });
    backend->pool2d(params, x.view(), y.view(), winners.view());
    EXPECT_TRUE(naive::close(y.values(), expected, 0));
    y.random(2), x.poison();
    Doubles expected_grad(static_cast<size_t>(x.count()), 0.0);
    for (int64_t o = 0; o < y.count(); ++o) expected_grad[source[o]] += static_cast<double>(y[o]);
    backend->pool2d_backward(params, y.view(), winners.view(), x.view());
    EXPECT_TRUE(naive::close(x.values(), expected_grad, 1e-6));
  }
}

TEST(MaxPooling, PassesNaNOn) {
  auto backend = make_cpu_backend(1);
  Array<float> x(*backend, {1, 2, 2, 1}), y(*backend, {1, 1, 1, 1});
  Array<uint8_t> winners(*backend, {1, 1, 1, 1});
  for (int64_t i = 0; i < 4; ++i) x[i] = static_cast<float>(i);
  x[1] = std::numeric_limits<float>::quiet_NaN();
  backend->pool2d({}, x.view(), y.view(), winners.view());
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(winners[0], 1);
}

}  // namespace
}  // namespace d2l::test
