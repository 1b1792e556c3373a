#include "tests/backend/arrays.h"

namespace d2l::test {
namespace {

class LayerNorm : public testing::TestWithParam<Shape> {
 protected:
  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  Shape shape = GetParam();
  int64_t columns = shape.size(-1), rows = shape.elements() / columns;
  LayerNormParams params{1e-3};
  // far from 0, where naive formulas for the variance lose their digits
  Floats x = random_floats(shape.elements(), 18, 22), grad_y = random_floats(shape.elements());
  Floats gamma = random_floats(columns, 0.5f, 2, 1), beta = random_floats(columns, -1, 1, 2);
  std::vector<double> mean, variance, normal;

  void SetUp() override {
    for (int64_t row = 0; row < rows; ++row) {
      double sum = 0, squares = 0;
      const double count = static_cast<double>(columns);
      for (int64_t i = 0; i < columns; ++i) sum += static_cast<double>(x[row * columns + i]);
      mean.push_back(sum / count);
      for (int64_t i = 0; i < columns; ++i)
        squares += std::pow(static_cast<double>(x[row * columns + i]) - mean.back(), 2);
      variance.push_back(squares / count);
      for (int64_t i = 0; i < columns; ++i)
        normal.push_back((static_cast<double>(x[row * columns + i]) - mean.back()) /
                         std::sqrt(variance.back() + params.epsilon));
    }
  }

  Backend::NormOperands operands() const { return {in(x, shape), in(gamma), in(beta), {}}; }

  // call(y, statistics)
  template <class Call>
  void check_forward(const Call& call) const {
    Floats y = poisoned(shape.elements()), means = poisoned(rows), variances = poisoned(rows);
    call(out(y, shape), Backend::NormStatistics{out(means), out(variances)});
    std::vector<double> expected;
    for (int64_t i = 0; i < shape.elements(); ++i)
      expected.push_back(normal[i] * static_cast<double>(gamma[i % columns]) +
                         static_cast<double>(beta[i % columns]));
    EXPECT_TRUE(near(means, mean, 1e-6));
    EXPECT_TRUE(near(variances, variance, 1e-5, 1e-9));
    EXPECT_TRUE(near(y, expected, 1e-5, 1e-4));
  }

  // call(statistics, gradients)
  template <class Call>
  void check_backward(const Call& call) const {
    Floats means(mean.begin(), mean.end()), variances(variance.begin(), variance.end());
    Floats grad_x = poisoned(shape.elements());
    Floats grad_gamma = poisoned(columns), grad_beta = poisoned(columns);
    call(Backend::NormStatistics{out(means), out(variances)},
         Backend::NormGradients{out(grad_x, shape), out(grad_gamma), out(grad_beta), {}});
    std::vector<double> to_x, to_gamma(columns, 0.0), to_beta(columns, 0.0);
    for (int64_t row = 0; row < rows; ++row) {
      double plain = 0, slope = 0;
      for (int64_t i = 0; i < columns; ++i) {
        const int64_t at = row * columns + i;
        const double grad = static_cast<double>(grad_y[at]);
        to_gamma[i] += grad * normal[at];
        to_beta[i] += grad;
        plain += grad * static_cast<double>(gamma[i]) / static_cast<double>(columns);
        slope += grad * static_cast<double>(gamma[i]) * normal[at] / static_cast<double>(columns);
      }
      for (int64_t i = 0; i < columns; ++i) {
        const int64_t at = row * columns + i;
        to_x.push_back((static_cast<double>(grad_y[at]) * static_cast<double>(gamma[i]) - plain -
                        normal[at] * slope) /
                       std::sqrt(variance[row] + params.epsilon));
      }
    }
    EXPECT_TRUE(near(grad_x, to_x, 1e-4, 1e-4));
    EXPECT_TRUE(near(grad_gamma, to_gamma, 1e-5, 1e-3));
    EXPECT_TRUE(near(grad_beta, to_beta, 1e-5, 1e-4));
  }
};

TEST_P(LayerNorm, ForwardMatchesDoublesAsDoesTheComposition) {
  check_forward([&](View y, const Backend::NormStatistics& statistics) {
    backend->layer_norm(params, operands(), y, statistics);
  });
  check_forward([&](View y, const Backend::NormStatistics& statistics) {
    backend->Backend::do_layer_norm(params, operands(), y, statistics);
  });
}

TEST_P(LayerNorm, BackwardMatchesDoublesAsDoesTheComposition) {
  check_backward(
      [&](const Backend::NormStatistics& statistics, const Backend::NormGradients& gradients) {
        backend->layer_norm_backward(params, operands(), statistics, in(grad_y, shape), gradients);
      });
  check_backward(
      [&](const Backend::NormStatistics& statistics, const Backend::NormGradients& gradients) {
        backend->Backend::do_layer_norm_backward(params, operands(), statistics, in(grad_y, shape),
                                                 gradients);
      });
}

INSTANTIATE_TEST_SUITE_P(Shapes, LayerNorm,
                         testing::Values(Shape{1, 1}, Shape{3}, Shape{5, 2}, Shape{4, 7, 64},
                                         Shape{9, 65}, Shape{2, 3, 200}, Shape{3000, 24}));

TEST(LayerNormKernel, NoRowsHaveNoGradient) {
  auto backend = make_cpu_backend(1);
  Floats x, gamma = {1, 2}, grad_gamma = poisoned(2), grad_beta = poisoned(2);
  const Shape shape{0, 2};
  const Backend::NormOperands operands{in(x, shape), in(gamma), in(gamma), {}};
  const Backend::NormStatistics none{out(x), out(x)};
  backend->layer_norm({}, operands, out(x, shape), none);
  backend->layer_norm_backward({}, operands, none, in(x, shape),
                               {out(x, shape), out(grad_gamma), out(grad_beta), {}});
  EXPECT_EQ(grad_gamma, (Floats{0, 0}));
  EXPECT_EQ(grad_beta, (Floats{0, 0}));
}

TEST(LayerNormKernel, SameBitsOnAnyNumberOfThreads) {
  expect_thread_independent([](Backend& backend) {
    const Shape shape{2000, 40};
    Floats x = random_floats(shape.elements()), gamma = random_floats(40);
    Floats y = poisoned(shape.elements()), mean = poisoned(2000), variance = mean;
    Floats grad_gamma = poisoned(40), grad_beta = poisoned(40);
    const Backend::NormOperands operands{in(x, shape), in(gamma), in(gamma), {}};
    backend.layer_norm({}, operands, out(y, shape), {out(mean), out(variance)});
    Floats all = y;
    backend.layer_norm_backward({}, operands, {out(mean), out(variance)}, in(x, shape),
                                {out(y, shape), out(grad_gamma), out(grad_beta), {}});
    for (const Floats* part : {&y, &grad_gamma, &grad_beta})
      all.insert(all.end(), part->begin(), part->end());
    return all;
  });
}

}  // namespace
}  // namespace d2l::test
