#include "tests/vision/vision_support.h"
#include "vision/anchors.h"

namespace d2l::vision::test {
namespace {

TEST(Boxes, ConvertsBetweenCornersAndCenters) {
  const Tensor corners = from_list(cpu(), {{60, 45, 378, 516}, {400, 112, 655, 493}});
  const Tensor centers = centers_of(corners);
  EXPECT_TRUE(close(centers, {219, 280.5, 318, 471, 527.5, 302.5, 255, 381}));
  EXPECT_TRUE(close(corners_of(centers), corners));
  EXPECT_EQ(centers_of(Tensor(cpu(), {0, 4})).shape(), (Shape{0, 4}));
}

TEST(Boxes, IouIsThatOfTorchvision) {
  for (const auto& set : reference("boxes.json"))
    EXPECT_TRUE(close(iou(boxes_in(set["boxes"]), boxes_in(set["others"])),
                      set["iou"].get<std::vector<float>>(), 0, 1e-6));
}

TEST(Boxes, IouOfBoxesWithoutCommonAreaIsZero) {
  const Tensor a = from_list(cpu(), {{0, 0, 2, 2}, {1, 1, 1, 1}});
  const Tensor b = from_list(cpu(), {{2, 0, 4, 2}, {1, 1, 1, 1}, {0, 0, 2, 1}});
  EXPECT_TRUE(close(iou(a, b), {0, 0, .5, 0, 0, 0}, 0, 0));
  EXPECT_EQ(iou(a, Tensor(cpu(), {0, 4})).shape(), (Shape{2, 0}));
}

TEST(Boxes, RefusesOtherTensors) {
  EXPECT_EQ(message_of([] {
              centers_of(zeros(cpu(), {3, 5}));
            }),
            "centers_of: expected boxes of 4 numbers, found the shape [3, 5]");
  EXPECT_EQ(message_of([] {
              corners_of(zeros(cpu(), {3, 4}, DType::i64));
            }),
            "corners_of: expected f32, found i64");
  EXPECT_EQ(message_of([] {
              iou(zeros(cpu(), {3, 4}), zeros(cpu(), {2, 3, 4}));
            }),
            "iou: expected boxes of shape [n, 4], found [2, 3, 4]");
}

// The example of the book: a photo of 561 x 728 pixels.
TEST(Anchors, AreThoseOfTheBook) {
  const Tensor boxes = anchors(cpu(), 561, 728, {.75, .5, .25}, {1, 2, .5});
  EXPECT_EQ(boxes.shape(), (Shape{2'042'040, 4}));
  const Tensor first = boxes.reshape({561, 728, 5, 4})[250][250][0];
  EXPECT_TRUE(close(first, {.06F, .07F, .63F, .82F}, 0, .005));
}

TEST(Anchors, FollowTheFormula) {
  for (const auto& set : reference("anchors.json")) {
    const Tensor boxes = anchors(cpu(), set["height"], set["width"], set["sizes"], set["ratios"]);
    EXPECT_TRUE(close(boxes.reshape({-1}), set["anchors"].get<std::vector<float>>(), 0, 1e-6));
  }
}

TEST(Anchors, RefuseWhatIsNotPositive) {
  EXPECT_EQ(message_of([] { anchors(cpu(), 0, 4, {1}, {1}); }),
            "anchors: expected at least one pixel, found 0 x 4");
  EXPECT_EQ(message_of([] { anchors(cpu(), 4, 4, {}, {1}); }),
            "anchors: expected at least one size, found none");
  EXPECT_EQ(message_of([] {
              anchors(cpu(), 4, 4, {1}, {1, -2});
            }),
            "anchors: expected every ratio to be positive, found -2");
}

}  // namespace
}  // namespace d2l::vision::test
