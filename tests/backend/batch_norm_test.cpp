#include "tests/backend/naive.h"

namespace d2l::test {
namespace {

using naive::Array;
using naive::Doubles;

class BatchNorm : public testing::TestWithParam<Shape> {
 protected:
  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  Shape shape = GetParam();
  int64_t channels = shape.size(-1);
  int64_t count = shape.elements() / channels;
  BatchNormParams params{1e-3};
  Array<float> x{*backend, shape}, y{*backend, shape}, grad_y{*backend, shape};
  Array<float> gamma{*backend, {channels}}, beta{*backend, {channels}}, mean{*backend, {channels}},
      variance{*backend, {channels}};
  Doubles expected_mean = Doubles(static_cast<size_t>(channels), 0.0);
  Doubles expected_variance = expected_mean;

  void SetUp() override {
    x.random(1), gamma.random(2), beta.random(3), grad_y.random(4);
    // far from 0, where naive formulas for the variance lose their digits
    for (int64_t i = 0; i < x.count(); ++i) x[i] += 20.0f + static_cast<float>(i % channels % 8);
    double n = static_cast<double>(count);
    for (int64_t i = 0; i < x.count(); ++i)
      expected_mean[i % channels] += static_cast<double>(x[i]) / n;
    for (int64_t i = 0; i < x.count(); ++i)
      expected_variance[i % channels] +=
          std::pow(static_cast<double>(x[i]) - expected_mean[i % channels], 2) / n;
  }

  double deviation(int64_t c) const { return std::sqrt(expected_variance[c] + params.epsilon); }

  double normal(int64_t i) {
    return (static_cast<double>(x[i]) - expected_mean[i % channels]) / deviation(i % channels);
  }

  Doubles expected_y() {
    Doubles expected;
    for (int64_t i = 0; i < x.count(); ++i)
      expected.push_back(normal(i) * static_cast<double>(gamma[i % channels]) +
                         static_cast<double>(beta[i % channels]));
    return expected;
  }

  void forward() {
    backend->batch_norm(params, {x.view(), gamma.view(), beta.view()}, y.view(),
                        {mean.view(), variance.view()});
  }
};

TEST_P(BatchNorm, NormalizesWithTheBatchsStatistics) {
  forward();
  EXPECT_TRUE(naive::close(mean.values(), expected_mean, 1e-6));
  EXPECT_TRUE(naive::close(variance.values(), expected_variance, 1e-5));
  EXPECT_TRUE(naive::close(y.values(), expected_y(), 1e-4));
}

TEST_P(BatchNorm, InferenceUsesTheGivenStatistics) {
  for (int64_t c = 0; c < channels; ++c) {
    mean[c] = static_cast<float>(expected_mean[c]);
    variance[c] = static_cast<float>(expected_variance[c]);
  }
  backend->batch_norm_inference(params, {x.view(), gamma.view(), beta.view()},
                                {mean.view(), variance.view()}, y.view());
  EXPECT_TRUE(naive::close(y.values(), expected_y(), 1e-4));
}

TEST_P(BatchNorm, BackwardIsTheDerivative) {
  forward();
  Array<float> grad_x(*backend, shape), grad_gamma(*backend, {channels}),
      grad_beta(*backend, {channels});
  auto run = [&] {
    grad_x.poison(), grad_gamma.poison(), grad_beta.poison();
    backend->batch_norm_backward(params, {x.view(), gamma.view(), beta.view()},
                                 {mean.view(), variance.view()}, grad_y.view(),
                                 {grad_x.view(), grad_gamma.view(), grad_beta.view()});
    return grad_x.values();
  };
  auto first = run();
  Doubles sum(static_cast<size_t>(channels), 0.0), product = sum, expected;
  for (int64_t i = 0; i < x.count(); ++i) {
    sum[i % channels] += static_cast<double>(grad_y[i]);
    product[i % channels] += static_cast<double>(grad_y[i]) * normal(i);
  }
  double n = static_cast<double>(count);
  for (int64_t i = 0; i < x.count(); ++i) {
    int64_t c = i % channels;
    expected.push_back(static_cast<double>(gamma[c]) / deviation(c) *
                       (static_cast<double>(grad_y[i]) - sum[c] / n - normal(i) * product[c] / n));
  }
  EXPECT_TRUE(naive::close(first, expected, 2e-4));
  EXPECT_TRUE(naive::close(grad_gamma.values(), product, 2e-4));
  EXPECT_TRUE(naive::close(grad_beta.values(), sum, 1e-4));
  EXPECT_EQ(first, run());
  forward();  // the arrays above may have taken its scratch memory
  uint64_t before = backend->pool().stats().system_allocations;
  for (int i = 0; i < 3; ++i) forward(), run();
  EXPECT_EQ(backend->pool().stats().system_allocations, before);
}

INSTANTIATE_TEST_SUITE_P(Shapes, BatchNorm,
                         testing::Values(Shape{17, 28, 28, 6}, Shape{3, 10, 10, 16}, Shape{85, 120},
                                         Shape{86, 84}, Shape{7, 1}, Shape{3, 3},
                                         Shape{3, 5, 7, 20}, Shape{2, 9, 9, 64},
                                         Shape{1, 4, 4, 512}));

TEST(BatchNormEmpty, HasNoGradients) {
  auto backend = make_cpu_backend(1);
  Array<float> x(*backend, {0, 6}), c(*backend, {6}), gamma(*backend, {6}), beta(*backend, {6});
  c.random(1);
  backend->batch_norm_backward({}, {x.view(), c.view(), c.view()}, {c.view(), c.view()}, x.view(),
                               {x.view(), gamma.view(), beta.view()});
  EXPECT_EQ(gamma.values(), std::vector<float>(6, 0.0f));
  EXPECT_EQ(beta.values(), std::vector<float>(6, 0.0f));
}

}  // namespace
}  // namespace d2l::test
