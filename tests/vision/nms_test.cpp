#include "vision/nms.h"

#include <cmath>

#include "tests/vision/vision_support.h"

namespace d2l::vision::test {
namespace {

Tensor column(const std::vector<float>& values) {
  return from_vector(cpu(), {static_cast<int64_t>(values.size())}, values);
}

TEST(Nms, KeepsTheIndicesOfTorchvision) {
  for (const auto& set : reference("boxes.json")) {
    const Tensor boxes = boxes_in(set["boxes"]), scores = column(set["scores"]);
    const auto classes = from_vector<int64_t>(cpu(), scores.shape(), set["classes"]);
    const double threshold = set["threshold"];
    EXPECT_EQ(nms(boxes, scores, threshold), set["nms"].get<std::vector<int64_t>>());
    EXPECT_EQ(nms_per_class(boxes, scores, classes, threshold),
              set["nms_per_class"].get<std::vector<int64_t>>());
  }
}

TEST(Nms, OfEqualScoresTheLowerIndexComesFirst) {
  const Tensor boxes = from_list(cpu(), {{0, 0, 2, 2}, {5, 5, 6, 6}, {0, 0, 2, 2}});
  EXPECT_EQ(nms(boxes, column({.5, .5, .5}), .5), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(nms(boxes, column({.5, .6, .7}), .5), (std::vector<int64_t>{2, 1}));
}

TEST(Nms, AnIouOfTheThresholdIsKept) {
  const Tensor boxes = from_list(cpu(), {{0, 0, 2, 2}, {0, 0, 2, 1}});
  EXPECT_EQ(nms(boxes, column({1, .5}), .5), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(nms(boxes, column({1, .5}), .49), (std::vector<int64_t>{0}));
}

TEST(Nms, TakesNoBoxes) { EXPECT_TRUE(nms(Tensor(cpu(), {0, 4}), Tensor(cpu(), {0}), .5).empty()); }

TEST(Nms, RefusesScoresThatDoNotFit) {
  const Tensor boxes = zeros(cpu(), {2, 4});
  EXPECT_EQ(message_of([&] { nms(boxes, column({1}), .5); }),
            "nms: expected 2 scores, found the shape [1]");
  EXPECT_EQ(message_of([&] {
              nms(boxes, column({1, NAN}), .5);
            }),
            "nms: expected scores that are numbers, found NaN as score 1");
}

// The example of the book: four anchors, a dog and a cat.
class BookDetections : public testing::Test {
 protected:
  Tensor anchors_ = from_list(cpu(), {{.1F, .08F, .52F, .92F},
                                      {.08F, .2F, .56F, .95F},
                                      {.15F, .3F, .62F, .91F},
                                      {.55F, .2F, .9F, .88F}});
  Tensor offsets_ = zeros(cpu(), {1, 4, 4});
  Tensor probabilities_ =
      from_list(cpu(), {{0, .9F, .1F}, {0, .8F, .2F}, {0, .7F, .3F}, {0, .1F, .9F}})
          .reshape({1, 4, 3});
};

TEST_F(BookDetections, AreThoseOfTheBook) {
  const std::vector<Tensor> found = detections(probabilities_, offsets_, anchors_);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_TRUE(close(found[0].reshape({-1}), {0, .9F, .1F, .08F, .52F, .92F,  //
                                             1, .9F, .55F, .2F, .9F, .88F}));
}

TEST_F(BookDetections, OptionsDecideWhatIsKept) {
  const auto count = [&](const DetectionOptions& options) {
    return detections(probabilities_, offsets_, anchors_, options)[0].size(0);
  };
  EXPECT_EQ(count({.nms_threshold = 1}), 4);
  EXPECT_EQ(count({.nms_threshold = 1, .least_score = .75}), 3);
  EXPECT_EQ(count({.nms_threshold = 1, .most = 1}), 1);
  EXPECT_EQ(count({.least_score = .95}), 0);
}

TEST_F(BookDetections, ClassesSuppressEachOtherUnlessSaid) {
  probabilities_ = from_list(cpu(), {{0, .9F, .1F}, {0, .2F, .8F}, {0, .7F, .3F}, {0, .1F, .2F}})
                       .reshape({1, 4, 3});
  const auto classes = [&](bool per_class) {
    std::vector<float> result;
    const DetectionOptions options{.per_class = per_class};
    for (const auto& row :
         detections(probabilities_, offsets_, anchors_, options)[0].to_rows<float>())
      result.push_back(row[0]);
    return result;
  };
  EXPECT_EQ(classes(false), (std::vector<float>{0, 1}));
  EXPECT_EQ(classes(true), (std::vector<float>{0, 1, 1}));
}

TEST_F(BookDetections, EachImageHasItsOwn) {
  const Tensor two = zeros(cpu(), {2, 4, 3});
  two.slot(12, {1, 4, 3}).copy_from(probabilities_);
  const std::vector<Tensor> found = detections(two, zeros(cpu(), {2, 4, 4}), anchors_);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].shape(), (Shape{0, 6}));
  EXPECT_EQ(found[1].shape(), (Shape{2, 6}));
}

TEST_F(BookDetections, RefusesWhatDoesNotFit) {
  EXPECT_EQ(message_of([&] {
              detections(zeros(cpu(), {1, 3, 3}), offsets_, anchors_);
            }),
            "detections: expected probabilities [1, 4, 1 + classes], found [1, 3, 3]");
  EXPECT_EQ(message_of([&] {
              detections(full(cpu(), {1, 4, 3}, NAN), offsets_, anchors_);
            }),
            "detections: expected probabilities, found NaN for anchor 0 of image 0");
}

}  // namespace
}  // namespace d2l::vision::test
