#include "vision/matching.h"

#include <cmath>

#include "tests/vision/vision_support.h"

namespace d2l::vision::test {
namespace {

using Indices = std::vector<int64_t>;

TEST(Matching, TakesTheBestPairFirst) {
  // box 1 is better for anchor 0, so box 0 gets its second best anchor
  EXPECT_EQ(assign_boxes(from_list(cpu(), {{.8F, .9F}, {.3F, .2F}, {.1F, .6F}})),
            (Indices{1, 0, 1}));
  EXPECT_EQ(assign_boxes(from_list(cpu(), {{.8F, .9F}, {.3F, .2F}, {.1F, .6F}}), .7),
            (Indices{1, 0, -1}));
}

TEST(Matching, OfEqualIousTheLowerAnchorComesFirst) {
  EXPECT_EQ(assign_boxes(from_list(cpu(), {{.2F, .2F}, {.2F, .2F}, {.2F, .2F}})),
            (Indices{0, 1, -1}));
  EXPECT_EQ(assign_boxes(from_list(cpu(), {{.5F, .5F}, {0, 0}})), (Indices{0, -1}));
}

TEST(Matching, ABoxThatOverlapsNoAnchorGetsNone) {
  EXPECT_EQ(assign_boxes(from_list(cpu(), {{0, .2F}, {0, .1F}})), (Indices{1, -1}));
  EXPECT_EQ(assign_boxes(Tensor(cpu(), {2, 0})), (Indices{-1, -1}));
  EXPECT_TRUE(assign_boxes(Tensor(cpu(), {0, 2})).empty());
}

TEST(Matching, TargetsAreThoseOfTheReference) {
  for (const auto& set : reference("targets.json")) {
    const Tensor anchors = boxes_in(set["anchors"]);
    const Indices box_of = set["box_of"], labels = set["labels"];
    const Tensor boxes = boxes_in(set["boxes"]);
    EXPECT_EQ(assign_boxes(iou(anchors, boxes)), box_of);
    Tensor rows(cpu(), {1, boxes.size(0), 5});
    for (int64_t i = 0; i < boxes.size(0); ++i) {
      rows.data<float>()[5 * i] = static_cast<float>(labels[static_cast<size_t>(i)]);
      std::copy_n(boxes.data<float>() + 4 * i, 4, rows.data<float>() + 5 * i + 1);
    }
    const BoxTargets targets = box_targets(anchors, rows);
    EXPECT_TRUE(
        close(targets.offsets.reshape({-1}), set["offsets"].get<std::vector<float>>(), 1e-6, 1e-6));
    const Indices classes = targets.classes.to_vector<int64_t>();
    for (size_t i = 0; i < box_of.size(); ++i)
      EXPECT_EQ(classes[i], box_of[i] < 0 ? 0 : labels[static_cast<size_t>(box_of[i])] + 1);
  }
}

// The example of the book: five anchors, a dog and a cat.
TEST(Matching, TargetsAreThoseOfTheBook) {
  const Tensor truths =
      from_list(cpu(), {{0, .1F, .08F, .52F, .92F}, {1, .55F, .2F, .9F, .88F}}).reshape({1, 2, 5});
  const Tensor anchors = from_list(cpu(), {{0, .1F, .2F, .3F},
                                           {.15F, .2F, .4F, .4F},
                                           {.63F, .05F, .88F, .98F},
                                           {.66F, .45F, .8F, .8F},
                                           {.57F, .3F, .92F, .9F}});
  const BoxTargets targets = box_targets(anchors, truths);
  EXPECT_EQ(targets.classes.to_vector<int64_t>(), (Indices{0, 1, 2, 0, 2}));
  EXPECT_TRUE(close(targets.mask.reshape({-1}),
                    {0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1}, 0, 0));
  EXPECT_TRUE(close(targets.offsets.reshape({-1}),
                    {0,     0,      0, 0, 1.4F, 10, 2.59F,  7.18F, -1.2F, .269F,
                     1.68F, -1.57F, 0, 0, 0,    0,  -.571F, -1,    0,     .626F},
                    0, .005));
}

TEST(Matching, OffsetsHaveAnInverse) {
  const auto sets = reference("targets.json");
  const Tensor anchors = boxes_in(sets[3]["anchors"]);
  Tensor boxes = anchors.clone();
  for (int64_t i = 0; i < boxes.elements(); ++i)
    boxes.data<float>()[i] += static_cast<float>(i % 3) * .25F;
  EXPECT_TRUE(close(boxes_at(anchors, offsets_of(anchors, boxes)), boxes));
  EXPECT_TRUE(close(boxes_at(anchors, zeros_like(anchors)), anchors));
}

TEST(Matching, ImagesOfABatchDoNotMixAndPaddingIsSkipped) {
  const Tensor anchors = from_list(cpu(), {{0, 0, 2, 2}, {4, 4, 6, 6}});
  const Tensor labels = from_list(cpu(), {{-1, 0, 0, 0, 0},
                                          {3, 4, 4, 6, 6},
                                          {-1, NAN, 0, 0, 0},
                                          {-1, 0, 0, 0, 0},
                                          {2, 0, 0, 2, 2},
                                          {0, 4, 4, 6, 6}})
                            .reshape({3, 2, 5});
  const BoxTargets targets = box_targets(anchors, labels);
  EXPECT_EQ(targets.classes.to_vector<int64_t>(), (Indices{0, 4, 0, 0, 3, 1}));
  EXPECT_EQ(box_targets(anchors, Tensor(cpu(), {1, 0, 5})).classes.to_vector<int64_t>(),
            (Indices{0, 0}));
}

TEST(Matching, ErrorsNameImageAndRow) {
  const Tensor anchors = from_list(cpu(), {{0, 0, 2, 2}});
  const auto error = [&](const std::vector<float>& row) {
    std::vector<float> all{-1, 0, 0, 0, 0};
    all.insert(all.end(), row.begin(), row.end());
    return message_of([&] { box_targets(anchors, from_vector(cpu(), {2, 1, 5}, all)); });
  };
  EXPECT_EQ(error({1, 0, 0, 0, 2}),
            "box_targets: image 1, row 0: expected a box with left < right and top < bottom, found "
            "(0, 0, 0, 2)");
  EXPECT_EQ(error({1, 0, 0, NAN, 2}),
            "box_targets: image 1, row 0: expected a box with left < right and top < bottom, found "
            "(0, 0, nan, 2)");
  EXPECT_EQ(error({1.5F, 0, 0, 2, 2}),
            "box_targets: image 1, row 0: expected a class from 0 on, found 1.5");
  EXPECT_EQ(error({NAN, 0, 0, 2, 2}),
            "box_targets: image 1, row 0: expected a class from 0 on, found nan");
  EXPECT_EQ(message_of([&] {
              offsets_of(anchors, from_list(cpu(), {{1, 0, 1, 2}}));
            }),
            "offsets_of: box 0: expected a box with left < right and top < bottom, found (1, 0, 1, "
            "2)");
}

}  // namespace
}  // namespace d2l::vision::test
