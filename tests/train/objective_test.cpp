#include "framework/train/objective.h"

#include <gmock/gmock.h>

#include <cmath>

#include "framework/base/files.h"
#include "framework/base/text.h"
#include "framework/nn/layers.h"
#include "framework/tensor/create.h"
#include "framework/train/objectives/classification.h"
#include "framework/train/objectives/regression.h"
#include "framework/train/trainer.h"
#include "tests/support/gradcheck.h"
#include "tests/support/support.h"

namespace d2l::test {
namespace {

using testing::HasSubstr;
using Phase = Objective::Phase;
using Values = std::vector<float>;

Variable outputs_of(const Shape& shape, const Values& values) {
  return Variable(from_vector(device(), shape, values));
}

TEST(Classification, SmallProblemsHaveOneMetric) {
  const auto objective = make_classification(device(), {.classes = 3, .label_smoothing = 0.3});
  ASSERT_EQ(objective->metrics().size(), 1u);
  EXPECT_EQ(objective->metrics()[0].name, "accuracy");
  EXPECT_EQ(objective->target_type(), DType::i64);
  const Variable scores = outputs_of({2, 3}, {0, 0, 0, 5, 1, 0});
  const Tensor labels = from_vector<int64_t>(device(), {2}, {1, 0});
  const Objective::Result found = (*objective)(scores, labels, Phase::evaluation);
  EXPECT_NEAR(found.losses.value().to_vector<float>()[0], std::log(3), 1e-6);
  EXPECT_EQ(found.numbers.at(0).to_vector<float>(), (Values{0, 1}));
  // The smoothed loss is larger if the scores are confident and correct.
  const Objective::Result smoothed = (*objective)(scores, labels, Phase::training);
  EXPECT_GT(smoothed.losses.value().to_vector<float>()[1],
            found.losses.value().to_vector<float>()[1] + 0.1F);
}

// Scores fall from class to class, so label k has k larger ones.
TEST(Classification, ManyClassesHaveTopFive) {
  constexpr int64_t kClasses = 20;
  const auto objective = make_classification(device(), {.classes = kClasses});
  ASSERT_EQ(objective->metrics().size(), 2u);
  EXPECT_EQ(objective->metrics()[1].name, "top5");
  Values scores;
  std::vector<int64_t> labels = {0, 4, 5, 19};
  for (size_t row = 0; row < labels.size(); ++row)
    for (int64_t c = 0; c < kClasses; ++c) scores.push_back(static_cast<float>(-c));
  const Objective::Result found = (*objective)(outputs_of({4, kClasses}, scores),
                                               from_vector(device(), {4}, labels), Phase::training);
  EXPECT_EQ(found.numbers.at(0).to_vector<float>(), (Values{1, 0, 0, 0}));
  EXPECT_EQ(found.numbers.at(1).to_vector<float>(), (Values{1, 1, 0, 0}));
}

// The sum over both labels, with smoothing, against a loop in doubles.
TEST(Classification, MixedSamplesHaveTwoLabels) {
  constexpr int64_t kSamples = 6, kClasses = 20;
  constexpr double kSmoothing = 0.1;
  const auto objective =
      make_classification(device(), {.classes = kClasses, .label_smoothing = kSmoothing});
  ASSERT_TRUE(objective->mixes_targets());
  const std::vector<int64_t> own = {0, 1, 2, 3, 4, 19}, partners = {5, 1, 0, 7, 19, 4};
  const Values weights = {1, 0, 0.25, 0.5, 0.875, 0.125};
  const Tensor scores = uniform(cpu(), {kSamples, kClasses}, {.seed = 4});
  const Values values = scores.to_vector<float>();
  const Objective::MixedTargets targets{.own = from_vector(device(), {kSamples}, own),
                                        .partners = from_vector(device(), {kSamples}, partners),
                                        .weights = from_vector(device(), {kSamples}, weights)};
  const Objective::Result found = objective->of_mixed(Variable(scores.to(device())), targets);
  const Values losses = found.losses.value().to_vector<float>();
  for (size_t i = 0; i < kSamples; ++i) {
    const auto row = values.begin() + static_cast<ptrdiff_t>(i * kClasses);
    double sum = 0, mean = 0;
    for (int64_t c = 0; c < kClasses; ++c) {
      sum += std::exp(double{row[c]});
      mean += double{row[c]} / kClasses;
    }
    const auto loss = [&](int64_t label) {
      return std::log(sum) - (1 - kSmoothing) * double{row[label]} - kSmoothing * mean;
    };
    const double weight = double{weights[i]};
    EXPECT_NEAR(losses[i], weight * loss(own[i]) + (1 - weight) * loss(partners[i]), 1e-5) << i;
    const int64_t label = weight >= 0.5 ? own[i] : partners[i];
    int64_t larger = 0;
    for (int64_t c = 0; c < kClasses; ++c) larger += row[c] > row[label];
    EXPECT_EQ(found.numbers.at(0).to_vector<float>()[i], larger == 0 ? 1 : 0) << i;
    EXPECT_EQ(found.numbers.at(1).to_vector<float>()[i], larger < 5 ? 1 : 0) << i;
  }
  EXPECT_TRUE(gradcheck(
      [&](const std::vector<Variable>& in) { return objective->of_mixed(in[0], targets).losses; },
      {scores.to(device())}));
}

TEST(Regression, DoesNotMix) {
  const auto objective = make_regression({});
  EXPECT_FALSE(objective->mixes_targets());
  EXPECT_THAT(message_of([&] {
                objective->of_mixed(outputs_of({1, 1}, {0}), {});
              }),
              HasSubstr("expected an objective with classes"));
}

TEST(Regression, LossesAreThoseOfTheirNames) {
  using Loss = RegressionOptions::Loss;
  const Tensor targets = from_vector<float>(device(), {3, 1}, {0, 0, 0});
  const auto losses = [&](Loss loss) {
    const auto objective = make_regression({.loss = loss, .huber_delta = 2});
    return (*objective)(outputs_of({3, 1}, {-1, 2, 5}), targets, Phase::training)
        .losses.value()
        .to_vector<float>();
  };
  EXPECT_EQ(losses(Loss::squared), (Values{0.5, 2, 12.5}));
  EXPECT_EQ(losses(Loss::absolute), (Values{1, 2, 5}));
  EXPECT_EQ(losses(Loss::huber), (Values{0.5, 2, 8}));  // 2 (5 - 1)
}

TEST(Regression, MetricsAreAveragesOverElements) {
  const auto objective = make_regression({.log_error = true});
  const std::vector<Metric>& metrics = objective->metrics();
  ASSERT_EQ(metrics.size(), 3u);
  const Variable outputs = outputs_of({2, 2}, {1, 2, 20, -3});
  const Tensor targets = from_vector<float>(device(), {2, 2}, {0, 4, 10, 1});
  const Objective::Result found = (*objective)(outputs, targets, Phase::evaluation);
  EXPECT_EQ(found.losses.value().to_vector<float>(), (Values{1.25, 29}));
  EXPECT_EQ(found.numbers.at(0).to_vector<float>(), (Values{2.5, 58}));
  EXPECT_EQ(found.numbers.at(1).to_vector<float>(), (Values{1.5, 7}));
  const double log_two = std::log(2.0), expected = log_two * log_two / 2;
  for (const float squared : found.numbers.at(2).to_vector<float>())
    EXPECT_NEAR(squared, expected, 1e-6);
  EXPECT_EQ(metrics[0].of_average(9), 3);
  EXPECT_EQ(metrics[1].of_average(9), 9);
  EXPECT_FALSE(metrics[0].larger_is_better);
}

TEST(Regression, RefusesOutputsThatDoNotFit) {
  const auto objective = make_regression({});
  EXPECT_THAT(
      message_of([&] {
        (*objective)(outputs_of({2, 2}, {1, 2, 3, 4}), zeros(device(), {2, 1}), Phase::training);
      }),
      HasSubstr("expected outputs like the targets [2, 1], found [2, 2]"));
}

// y = 2 a - 3 b + 1 of random numbers.
class Line final : public BatchSource {
 public:
  static constexpr int64_t kBatch = 32;

  Line() : inputs_(uniform(device(), {kBatch, 2}, {.seed = 3}, -1, 1)) {
    const Values numbers = inputs_.to_vector<float>();
    Values answers;
    for (size_t i = 0; i < numbers.size(); i += 2)
      answers.push_back(2 * numbers[i] - 3 * numbers[i + 1] + 1);
    targets_ = from_vector(device(), {kBatch, 1}, answers);
  }
  int64_t samples() const override { return kBatch; }
  int64_t steps_per_epoch() const override { return 1; }
  int64_t largest_part() const override { return kBatch; }
  void seek(int64_t, int64_t) override {}
  Batch next() override { return {.inputs = inputs_, .targets = targets_, .global_size = kBatch}; }

 private:
  Tensor inputs_, targets_;
};

// The checkpoint with the smallest error is the best; names of the objective are in the state.
TEST(Regression, TrainsAndIsSaved) {
  TemporaryFolder folder;
  CheckpointStore store(folder.path(), {});
  nn::Sequential model;
  model.then_named<nn::Linear>("output", 2, 1);
  nn::ParameterSet parameters(model, device(), 0);
  const auto optimizer = make_sgd(parameters, {});
  const auto comm = make_self_communicator();
  const auto objective = make_regression({});
  Line train_data, test_data;
  Log log{true};
  log.open(folder.path() / "log.txt");
  MetricsFile metrics(folder.path() / "metrics.csv", MetricsFile::header({"rmse", "mae"}) + "\n",
                      {.metrics = {"rmse", "mae"}});
  Trainer trainer({.model = model,
                   .objective = *objective,
                   .parameters = parameters,
                   .optimizer = *optimizer,
                   .comm = *comm,
                   .train_data = train_data,
                   .test_data = &test_data,
                   .log = log},
                  {.epochs = 60, .schedule = {.lr = 0.3}});
  trainer.set_files(&store, &metrics);
  const TrainerReport report = trainer.run();
  EXPECT_GT(report.losses[0], 1);
  ASSERT_EQ(report.test.size(), 2u);
  EXPECT_LT(report.test[0], 0.05);
  EXPECT_LT(report.test[1], report.test[0]);
  EXPECT_EQ(trainer.state().position.best.value, report.test[0]);
  const Snapshot saved = CheckpointStore::newest_valid(folder.path(), {})->snapshot;
  EXPECT_EQ(saved.reals.at("progress/best_rmse"), report.test[0]);
  EXPECT_EQ(saved.reals.at("progress/test_mae"), report.test[1]);
  EXPECT_EQ(saved.reals.at("progress/epoch_squared_error"), 0);
  const std::string number = "[0-9.]+(e-0[0-9])?";
  EXPECT_THAT(read_text_file(folder.path() / "log.txt"),
              testing::ContainsRegex(concat("epoch 60/60: loss ", number, ", train rmse ", number,
                                            ", train mae ", number, ", test rmse ",
                                            rounded(report.test[0]), ", test mae ",
                                            rounded(report.test[1]), ", waiting for data ")));
  EXPECT_THAT(read_text_file(folder.path() / "metrics.csv"),
              HasSubstr(",test_loss,test_rmse,test_mae,run\n"));
}

}  // namespace
}  // namespace d2l::test
