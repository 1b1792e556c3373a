#include "models/kernel_regression.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "framework/nn/parameter_set.h"
#include "framework/tensor/create.h"
#include "tests/support/gradcheck.h"
#include "tests/support/program.h"

namespace d2l::models {
namespace {

using test::close;
using test::device;
using test::message_of;
using testing::HasSubstr;

// The average of y, weighted by a Gaussian of the distance to `query`; leaves out element `skip`.
float naive(const std::vector<float>& x, const std::vector<float>& y, float query, double w,
            size_t skip) {
  double sum = 0, weights = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (i == skip) continue;
    const double distance = static_cast<double>(query - x[i]) * w;
    const double weight = std::exp(-distance * distance / 2);
    sum += weight * static_cast<double>(y[i]);
    weights += weight;
  }
  return static_cast<float>(sum / weights);
}

class Regression : public testing::Test {
 protected:
  std::vector<float> x{0.1f, 0.5f, 1.5f, 1.6f, 3}, y{1, -1, 2, 0.5f, 4};
  Tensor places = from_vector(device(), {5}, x), values = from_vector(device(), {5}, y);
  std::vector<float> queries{0, 1.55f, 10};
  Variable asked{from_vector(device(), {3}, queries)};
  const size_t nobody = 5;
};

TEST_F(Regression, FixedWidth) {
  KernelRegression model(places, values, KernelRegression::Width::fixed);
  EXPECT_TRUE(model.parameters().empty());
  std::vector<float> expected;
  for (float query : queries) expected.push_back(naive(x, y, query, 1, nobody));
  EXPECT_TRUE(close(model.forward(asked, {}).value(), expected, 1e-5, 1e-5));
}

TEST_F(Regression, LearnedWidthAndItsGradient) {
  KernelRegression model(places, values, KernelRegression::Width::learned);
  nn::ParameterSet set(model, device(), 1);
  Variable weight = model.parameters()[0].second->variable;
  weight.value().copy_from(from_list(device(), {1.7f}));
  std::vector<float> expected, others;
  for (float query : queries) expected.push_back(naive(x, y, query, 1.7, nobody));
  EXPECT_TRUE(close(model.forward(asked, {}).value(), expected, 1e-5, 1e-5));
  for (size_t i = 0; i < x.size(); ++i) others.push_back(naive(x, y, x[i], 1.7, i));
  EXPECT_TRUE(close(model.leave_one_out().value(), others, 1e-5, 1e-5));
  // the slope of sum(leave_one_out) along w
  sum(model.leave_one_out()).backward();
  double slope = 0;
  for (size_t i = 0; i < x.size(); ++i)
    slope += static_cast<double>(naive(x, y, x[i], 1.701, i) - naive(x, y, x[i], 1.699, i)) / 2e-3;
  EXPECT_NEAR(weight.grad().item<double>(), slope, 2e-3);
}

TEST_F(Regression, RefusesWhatDoesNotFit) {
  EXPECT_THAT(
      message_of([&] { KernelRegression(places, asked.value(), KernelRegression::Width::fixed); }),
      HasSubstr("[5] and [3]"));
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return (values[half] + values[values.size() - 1 - half]) / 2;
}

// The book's figures are .89, .42 and .12.
TEST(KernelRegressionTask, MediansOfTwentyDraws) {
  std::vector<double> average, fixed, learned;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const KernelRegressionReport report = kernel_regression(device(), {.seed = seed});
    average.push_back(report.average);
    fixed.push_back(report.fixed);
    learned.push_back(report.learned);
    EXPECT_LT(report.losses.back(), report.losses.front()) << seed;
    EXPECT_EQ(report.learned_curve.size(), 50);
  }
  EXPECT_NEAR(median(average), 0.89, 0.03);
  EXPECT_NEAR(median(fixed), 0.42, 0.06);
  EXPECT_NEAR(median(learned), 0.12, 0.05);
}

TEST(KernelRegressionTask, DependsOnTheSeedAlone) {
  const KernelRegressionReport first = kernel_regression(device(), {.seed = 3});
  EXPECT_EQ(kernel_regression(device(), {.seed = 3}).learned_curve, first.learned_curve);
  EXPECT_NE(kernel_regression(device(), {.seed = 4}).learned_curve, first.learned_curve);
}

TEST(KernelRegressionTask, TheExamplePrintsTheMedians) {
  const test::ProgramResult result = test::run_program({"example-attention-regression"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, HasSubstr("average 0.8"));
  EXPECT_THAT(result.output, HasSubstr("learned width 0.1"));
}

}  // namespace
}  // namespace d2l::models
