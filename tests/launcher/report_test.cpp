#include "launcher/report.h"

#include <gmock/gmock.h>

#include "framework/train/objectives/regression.h"

namespace d2l::launcher {
namespace {

const Metric kAccuracy{.name = "accuracy", .label = "acc", .sum = "correct"};

TrainerReport report_of(double loss, const std::vector<double>& train,
                        const std::vector<double>& test) {
  TrainerReport report;
  report.loss = loss;
  report.train = train;
  report.test = test;
  return report;
}

TEST(Report, NamesEachResult) {
  TrainerReport report = report_of(0.54132, {0.79449}, {0.71});
  EXPECT_EQ(result_text(report, {kAccuracy}), "loss 0.541, train acc 0.794, test acc 0.710");
  report.test_loss = 1.25;
  report.best = Position::Best{.value = 1, .step = 7};
  EXPECT_EQ(result_text(report, {kAccuracy}),
            "loss 0.541, train acc 0.794, test loss 1.250, test acc 0.710");
  EXPECT_EQ(result_text(report_of(0.54132, {0.79449}, {}), {kAccuracy}),
            "loss 0.541, train acc 0.794, no test data");
}

// Errors may be of any size.
TEST(Report, OfARegressionHasDigitsThatMatter) {
  EXPECT_EQ(result_text(report_of(7.90231e8, {39755.27, 20311.5, 0.0512}, {28123.46, 19000, 0.2}),
                        make_regression({.log_error = true})->metrics()),
            "loss 790231000.0, train rmse 39755.3, train mae 20311.5, train log_rmse 0.0512, test "
            "rmse 28123.5, test mae 19000.0, test log_rmse 0.200");
}

TEST(Report, SaysWhichEvaluationIsTheBest) {
  const std::vector<Metric> metrics = make_regression({.log_error = true})->metrics();
  EXPECT_EQ(best_text({.metric = kAccuracy, .value = 0.7108, .step = 1480}),
            "best test acc 0.711, after step 1480");
  EXPECT_EQ(best_text({.metric = metrics[2], .value = 0.01234, .step = 240}),
            "best test log_rmse 0.0123 (smaller is better), after step 240");
  EXPECT_EQ(best_text({.metric = loss_metric(), .value = 2, .step = -1}),
            "best test loss 2.000 (smaller is better)");
}

}  // namespace
}  // namespace d2l::launcher
