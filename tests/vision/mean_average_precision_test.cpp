#include "vision/mean_average_precision.h"

#include <cmath>

#include "tests/vision/vision_support.h"

namespace d2l::vision::test {
namespace {

Box box_at(const nlohmann::json& row, size_t begin) {
  return {row[begin], row[begin + 1], row[begin + 2], row[begin + 3]};
}

MeanAveragePrecision evaluated(const nlohmann::json& set) {
  MeanAveragePrecision evaluation(set["classes"]);
  for (const auto& image : set["images"]) {
    std::vector<TrueBox> truths;
    for (const auto& row : image["truths"])
      truths.push_back({row[0], box_at(row, 1), row[5], row[6] == 1});
    std::vector<DetectedBox> found;
    for (const auto& row : image["detections"]) found.push_back({row[0], row[1], box_at(row, 2)});
    evaluation.add(truths, found);
  }
  return evaluation;
}

// -1 in the reference is NaN here.
void expect_equal(double found, double expected) {
  if (expected == -1)
    EXPECT_TRUE(std::isnan(found)) << found;
  else
    EXPECT_NEAR(found, expected, 1e-6);
}

TEST(MeanAveragePrecision, IsThatOfPycocotools) {
  for (const auto& set : reference("mean_average_precision.json")) {
    const DetectionMetrics metrics = evaluated(set).compute();
    const auto& stats = set["expected"]["stats"];
    const std::vector<double> found{
        metrics.precision,       metrics.precision_50,     metrics.precision_75,
        metrics.precision_small, metrics.precision_medium, metrics.precision_large,
        metrics.recall_1,        metrics.recall_10,        metrics.recall_100,
        metrics.recall_small,    metrics.recall_medium,    metrics.recall_large};
    for (size_t i = 0; i < found.size(); ++i) {
      SCOPED_TRACE(testing::Message() << "number " << i);
      expect_equal(found[i], stats[i]);
    }
    const auto& classes = set["expected"]["classes"];
    ASSERT_EQ(metrics.classes.size(), classes.size());
    for (size_t i = 0; i < classes.size(); ++i) {
      expect_equal(metrics.classes[i].precision, classes[i][0]);
      expect_equal(metrics.classes[i].precision_50, classes[i][1]);
      expect_equal(metrics.classes[i].precision_75, classes[i][2]);
    }
  }
}

TEST(MeanAveragePrecision, AllFoundIsOne) {
  MeanAveragePrecision evaluation(2);
  evaluation.add({{0, {0, 0, 10, 10}, 100}, {1, {0, 0, 200, 200}, 40'000}},
                 {{0, .5, {0, 0, 10, 10}}, {1, .9, {0, 0, 200, 200}}});
  const DetectionMetrics metrics = evaluation.compute();
  EXPECT_DOUBLE_EQ(metrics.precision, 1);
  EXPECT_DOUBLE_EQ(metrics.recall_1, 1);
  EXPECT_DOUBLE_EQ(metrics.precision_small, 1);
  EXPECT_TRUE(std::isnan(metrics.precision_medium));
  EXPECT_EQ(metrics.classes[1].boxes, 1);
}

TEST(MeanAveragePrecision, AnAreaBetweenTwoSizesIsBoth) {
  MeanAveragePrecision evaluation(1);
  evaluation.add({{0, {0, 0, 32, 32}, 32 * 32}, {0, {100, 0, 196, 96}, 96 * 96}},
                 {{0, .5, {0, 0, 32, 32}}, {0, .9, {100, 0, 196, 96}}});
  const DetectionMetrics metrics = evaluation.compute();
  EXPECT_DOUBLE_EQ(metrics.recall_small, 1);
  EXPECT_DOUBLE_EQ(metrics.recall_medium, 1);
  EXPECT_DOUBLE_EQ(metrics.recall_large, 1);
}

TEST(MeanAveragePrecision, WithoutTrueBoxesThereIsNone) {
  MeanAveragePrecision evaluation(1);
  EXPECT_TRUE(std::isnan(evaluation.compute().precision));
  evaluation.add({}, {{0, .5, {0, 0, 10, 10}}});
  EXPECT_TRUE(std::isnan(evaluation.compute().precision));
  evaluation.add({{0, {0, 0, 10, 10}, 100}}, {});
  EXPECT_EQ(evaluation.compute().precision, 0);
  EXPECT_TRUE(std::isnan(MeanAveragePrecision(0).compute().recall_100));
}

// Two of three boxes are found; by IoU .5 the order is right, wrong, right.
TEST(MeanAveragePrecision, PrecisionIsTheBestOfAllHigherRecalls) {
  MeanAveragePrecision evaluation(1);
  evaluation.add({{0, {0, 0, 10, 10}, 100}, {0, {20, 0, 30, 10}, 100}, {0, {40, 0, 50, 10}, 100}},
                 {{0, .9, {0, 0, 10, 10}}, {0, .8, {70, 0, 80, 10}}, {0, .7, {20, 0, 30, 10}}});
  // 34 of the points are up to a recall of 1/3, 33 of the others up to 2/3
  EXPECT_NEAR(evaluation.compute().precision, (34 + 33 * 2 / 3.) / 101, 1e-12);
  EXPECT_NEAR(evaluation.compute().recall_100, 2 / 3., 1e-12);
}

TEST(MeanAveragePrecision, DetectionsInCrowdsDoNotCount) {
  MeanAveragePrecision evaluation(1);
  evaluation.add({{0, {0, 0, 100, 100}, 5000, true}, {0, {200, 0, 210, 10}, 100}},
                 {{0, .9, {0, 0, 10, 10}}, {0, .8, {50, 50, 60, 60}}, {0, .7, {200, 0, 210, 10}}});
  EXPECT_DOUBLE_EQ(evaluation.compute().precision, 1);
  EXPECT_EQ(evaluation.compute().classes[0].boxes, 1);
}

TEST(MeanAveragePrecision, DifficultBoxesNeedNotBeFound) {
  const DetectedBox found{0, .9, {0, 0, 10, 10}};
  const TrueBox difficult{.box = {0, 0, 10, 10}, .area = 100, .crowd = false, .difficult = true};
  MeanAveragePrecision evaluation(1);
  evaluation.add({difficult, {0, {40, 0, 50, 10}, 100}}, {found, {0, .8, {40, 0, 50, 10}}});
  EXPECT_DOUBLE_EQ(evaluation.compute().precision, 1);
  evaluation.add({difficult}, {found, found});  // the second one has nothing to take
  EXPECT_DOUBLE_EQ(evaluation.compute().precision, .5);
}

TEST(MeanAveragePrecision, RefusesWhatCannotBeCompared) {
  MeanAveragePrecision evaluation(2);
  const auto error = [&](const DetectedBox& found) {
    return message_of([&] { evaluation.add({}, {found}); });
  };
  EXPECT_EQ(error({2, .5, {0, 0, 1, 1}}),
            "mean average precision: expected a detection of a class from 0 to 1, found 2");
  EXPECT_EQ(error({0, NAN, {0, 0, 1, 1}}),
            "mean average precision: expected a detection with finite numbers, left <= right and "
            "top <= bottom, found (0, 0, 1, 1) and nan");
  EXPECT_EQ(message_of([&] {
              evaluation.add({{0, {2, 0, 1, 1}, 1}}, {});
            }),
            "mean average precision: expected a true box with finite numbers, left <= right and "
            "top <= bottom, found (2, 0, 1, 1) and 1");
}

}  // namespace
}  // namespace d2l::vision::test
