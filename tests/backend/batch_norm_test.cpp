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
  BatchNormParams params{.epsilon = 1e-3};
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
    backend->batch_norm_statistics(x.view(), {mean.view(), variance.view()}, {});
    apply();
  }

  void apply() {
    backend->batch_norm_apply(params, {x.view(), gamma.view(), beta.view(), {}},
                              {mean.view(), variance.view()}, y.view(), {});
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
  apply();
  EXPECT_TRUE(naive::close(y.values(), expected_y(), 1e-4));
}

TEST_P(BatchNorm, BackwardIsTheDerivative) {
  forward();
  Array<float> grad_x(*backend, shape), grad_gamma(*backend, {channels}),
      grad_beta(*backend, {channels});
  auto run = [&] {
    grad_x.poison(), grad_gamma.poison(), grad_beta.poison();
    const Backend::NormGradients gradients{
        grad_x.view(), grad_gamma.view(), grad_beta.view(), {}, count};
    const Backend::NormOperands in{x.view(), gamma.view(), beta.view(), {}};
    const Backend::NormStatistics statistics{mean.view(), variance.view()};
    const Backend::NormOutput out{y.view(), grad_y.view()};
    backend->batch_norm_gradient_sums(params, in, statistics, out, gradients);
    backend->batch_norm_gradient_input(params, in, statistics, out, gradients);
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

TEST_P(BatchNorm, RunningStatisticsFollow) {
  Array<float> running_mean(*backend, {channels}), running_variance(*backend, {channels});
  running_mean.random(8), running_variance.random(9);
  Doubles wanted_mean, wanted_variance;
  const auto rows = static_cast<double>(count);
  const double unbiased = count > 1 ? rows / (rows - 1) : 1;
  for (int64_t c = 0; c < channels; ++c) {
    wanted_mean.push_back(0.7 * static_cast<double>(running_mean[c]) + 0.3 * expected_mean[c]);
    wanted_variance.push_back(0.7 * static_cast<double>(running_variance[c]) +
                              0.3 * unbiased * expected_variance[c]);
  }
  backend->batch_norm_statistics(x.view(), {mean.view(), variance.view()},
                                 {running_mean.view(), running_variance.view(), 0.3});
  EXPECT_TRUE(naive::close(running_mean.values(), wanted_mean, 1e-5));
  EXPECT_TRUE(naive::close(running_variance.values(), wanted_variance, 1e-5));
}

// With an activation and a residual the kernels do what the plain ones and element-wise ones do.
class FusedBatchNorm : public BatchNorm {
 protected:
  void check(Activation activation, bool with_residual) {
    Array<float> residual(*backend, shape), expected(*backend, shape), before(*backend, shape);
    residual.random(5);
    for (int64_t c = 0; c < channels; ++c) beta[c] += 0.3f;
    const ConstView added = with_residual ? ConstView(residual.view()) : ConstView();
    forward();
    if (with_residual) backend->binary(Binary::add, y.view(), residual.view(), y.view());
    backend->unary(unary_of(activation), y.view(), expected.view());
    backend->unary_backward(unary_of(activation), {}, expected.view(), grad_y.view(),
                            before.view());

    BatchNormParams fused = params;
    fused.activation = activation;
    const Backend::NormOperands plain_in{x.view(), gamma.view(), beta.view(), {}};
    const Backend::NormOperands in{x.view(), gamma.view(), beta.view(), added};
    const Backend::NormStatistics statistics{mean.view(), variance.view()};
    y.poison();
    backend->batch_norm_apply(fused, in, statistics, y.view(), {});
    EXPECT_TRUE(naive::close(y.values(), doubles(expected.values()), 1e-6));

    std::vector<std::vector<float>> found[2];
    for (bool with_activation : {false, true}) {
      Array<float> grad_x(*backend, shape), grad_gamma(*backend, {channels});
      Array<float> grad_beta(*backend, {channels}), kept(*backend, shape);
      grad_x.poison(), kept.poison();
      const bool keeps = with_activation && (with_residual || activation != Activation::relu);
      const Backend::NormGradients gradients{grad_x.view(), grad_gamma.view(), grad_beta.view(),
                                             keeps ? kept.view() : View{}, count};
      const Backend::NormOutput out{y.view(), with_activation ? grad_y.view() : before.view()};
      const BatchNormParams& with = with_activation ? fused : params;
      const Backend::NormOperands& of = with_activation ? in : plain_in;
      backend->batch_norm_gradient_sums(with, of, statistics, out, gradients);
      backend->batch_norm_gradient_input(with, of, statistics, out, gradients);
      found[with_activation] = {grad_x.values(), grad_gamma.values(), grad_beta.values()};
      if (keeps) {
        EXPECT_EQ(kept.values(), before.values());
      }
    }
    for (size_t i = 0; i < 3; ++i)
      EXPECT_TRUE(naive::close(found[1][i], doubles(found[0][i]), 1e-6));
  }

  static Doubles doubles(const std::vector<float>& values) {
    return Doubles(values.begin(), values.end());
  }
};

TEST_P(FusedBatchNorm, IsItsComposition) {
  check(Activation::relu, false);
  check(Activation::relu, true);
  check(Activation::sigmoid, false);
  check(Activation::tanh, true);
}

INSTANTIATE_TEST_SUITE_P(Shapes, FusedBatchNorm,
                         testing::Values(Shape{5, 9, 9, 6}, Shape{85, 120}, Shape{3, 3},
                                         Shape{2, 9, 9, 64}));

// The 16-bit kernels compute what the others do from the same 16-bit numbers.
TEST(BatchNorm16, IsTheSameOnRoundedNumbers) {
  auto backend = make_cpu_backend(2);
  const Shape shape{4, 7, 7, 24};
  Array<float> x(*backend, shape), residual(*backend, shape), grad_y(*backend, shape);
  Array<Bfloat16> x16(*backend, shape), residual16(*backend, shape), grad16(*backend, shape);
  Array<float> gamma(*backend, {24}), beta(*backend, {24});
  x.random(1), residual.random(2), grad_y.random(3), gamma.random(4), beta.random(5);
  for (auto [wide, narrow] : {std::pair{&x, &x16}, {&residual, &residual16}, {&grad_y, &grad16}})
    for (int64_t i = 0; i < wide->count(); ++i) {
      (*narrow)[i] = Bfloat16((*wide)[i]);
      (*wide)[i] = static_cast<float>((*narrow)[i]);
    }
  const BatchNormParams params{.activation = Activation::relu};
  std::vector<std::vector<float>> found;
  auto run = [&](auto& in, auto& added, auto& grad) {
    using T = std::decay_t<decltype(in[0])>;
    Array<float> mean(*backend, {24}), variance(*backend, {24}), grad_gamma(*backend, {24});
    Array<float> grad_beta(*backend, {24});
    Array<T> y(*backend, shape), grad_x(*backend, shape), before(*backend, shape);
    const Backend::NormStatistics statistics{mean.view(), variance.view()};
    const Backend::NormOperands operands{in.view(), gamma.view(), beta.view(), added.view()};
    const Backend::NormGradients gradients{grad_x.view(), grad_gamma.view(), grad_beta.view(),
                                           before.view(), 4 * 49};
    backend->batch_norm_statistics(in.view(), statistics, {});
    backend->batch_norm_apply(params, operands, statistics, y.view(), {});
    backend->batch_norm_gradient_sums(params, operands, statistics, {y.view(), grad.view()},
                                      gradients);
    backend->batch_norm_gradient_input(params, operands, statistics, {y.view(), grad.view()},
                                       gradients);
    for (auto* array : {&y, &grad_x, &before}) {
      auto values = array->values();
      found.emplace_back(values.begin(), values.end());
    }
    found.push_back(grad_gamma.values());
    found.push_back(grad_beta.values());
  };
  run(x, residual, grad_y);
  run(x16, residual16, grad16);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_TRUE(naive::close(found[5 + i], Doubles(found[i].begin(), found[i].end()), 1.0 / 256))
        << i;
}

TEST(BatchNormEmpty, HasNoGradients) {
  auto backend = make_cpu_backend(1);
  Array<float> x(*backend, {0, 6}), c(*backend, {6}), gamma(*backend, {6}), beta(*backend, {6});
  c.random(1);
  const Backend::NormOperands in{x.view(), c.view(), c.view(), {}};
  const Backend::NormGradients gradients{x.view(), gamma.view(), beta.view(), {}, 0};
  backend->batch_norm_gradient_sums({}, in, {c.view(), c.view()}, {x.view(), x.view()}, gradients);
  backend->batch_norm_gradient_input({}, in, {c.view(), c.view()}, {x.view(), x.view()}, gradients);
  EXPECT_EQ(gamma.values(), std::vector<float>(6, 0.0f));
  EXPECT_EQ(beta.values(), std::vector<float>(6, 0.0f));
}

}  // namespace
}  // namespace d2l::test
