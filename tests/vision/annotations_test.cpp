#include "vision/annotations/annotations.h"

#include <cmath>
#include <limits>

#include "tests/vision/vision_support.h"

namespace d2l::vision::test {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string error_of(const Box& box, double area = kNone,
                     AnnotatedImage image = {"a", 30, 40, {}}) {
  return message_of([&] { add_box(image, {.box = box, .area = area}, "f: box 1"); });
}

TEST(Annotations, BoxesMayTouchTheBorder) {
  AnnotatedImage image{"a", 30, 40, {}};
  add_box(image, {.box = {0, 0, 40, 30}, .area = kNone}, "f");
  add_box(image, {.box = {-.25, -.5, 40.5, 30.25}, .area = 7}, "f");  // moved to it
  for (const TrueBox& box : image.boxes) {
    EXPECT_EQ(box.box.left, 0);
    EXPECT_EQ(box.box.top, 0);
    EXPECT_EQ(box.box.right, 40);
    EXPECT_EQ(box.box.bottom, 30);
  }
  EXPECT_EQ(image.boxes[0].area, 1200);
  EXPECT_EQ(image.boxes[1].area, 7);
}

TEST(Annotations, BoxesAreInsideOfTheImage) {
  const std::string expected =
      "f: box 1: expected a box inside of the image, from (0, 0) to (40, 30), ";
  EXPECT_EQ(error_of({-1, 0, 10, 10}), expected + "found (-1, 0, 10, 10)");
  EXPECT_EQ(error_of({0, -.75, 10, 10}), expected + "found (0, -0.75, 10, 10)");
  EXPECT_EQ(error_of({0, 0, 41, 10}), expected + "found (0, 0, 41, 10)");
  EXPECT_EQ(error_of({0, 0, 10, 30.75}), expected + "found (0, 0, 10, 30.75)");
  EXPECT_EQ(error_of({40, 0, 40.25, 10}),
            "f: box 1: expected a box inside of the image, found (40, 0, 40.25, 10)");
}

TEST(Annotations, WithoutASizeOnlyTheBeginningIsKnown) {
  AnnotatedImage image{"a", 0, 0, {}};
  add_box(image, {.box = {0, 0, 4000, 3000}, .area = kNone}, "f");
  EXPECT_EQ(image.boxes[0].box.right, 4000);
  EXPECT_EQ(
      error_of({-1, 0, 10, 10}, kNone, image),
      "f: box 1: expected a box inside of the image, which begins at (0, 0), found (-1, 0, 10, "
      "10)");
}

TEST(Annotations, BoxesHaveAnArea) {
  const std::string expected =
      "f: box 1: expected a box with left < right and top < bottom, found ";
  EXPECT_EQ(error_of({5, 5, 5, 10}), expected + "(5, 5, 5, 10)");
  EXPECT_EQ(error_of({5, 10, 8, 5}), expected + "(5, 10, 8, 5)");
  EXPECT_EQ(error_of({5, NAN, 8, 5}),
            "f: box 1: expected four finite numbers, found (5, nan, 8, 5)");
  EXPECT_EQ(error_of({5, 5, INFINITY, 9}),
            "f: box 1: expected four finite numbers, found (5, 5, inf, 9)");
  EXPECT_EQ(error_of({0, 0, 5, 5}, -1), "f: box 1: expected an area of at least 0, found -1");
}

TEST(Annotations, ImagesStayInTheirFolder) {
  const auto error = [](const AnnotatedImage& image) {
    return message_of([&] { check_image("f", image); });
  };
  check_image("f", {"train/..a.jpg", 1, 1, {}});
  for (const char* name : {"/etc/passwd", "../a.jpg", "a/../../b.jpg", ".."})
    EXPECT_EQ(
        error({name, 1, 1, {}}),
        concat("f: expected an image inside of the folder of the images, found '", name, "'"));
  EXPECT_EQ(error({"", 1, 1, {}}), "f: expected the name of an image, found none");
  EXPECT_EQ(error({std::string(5000, 'a'), 1, 1, {}}),
            "f: expected the name of an image of at most 4096 bytes, found 5000");
  EXPECT_EQ(error({"a", 5, 0, {}}),
            "f: image 'a': expected a width and a height from 1 to 1000000, found 0 and 5");
  EXPECT_EQ(error({"a", 5, 2'000'000, {}}),
            "f: image 'a': expected a width and a height from 1 to 1000000, found 2000000 and 5");
}

TEST(Annotations, CollectsClassesSorted) {
  ClassNames classes;
  Annotations annotations;
  annotations.images = {{"a", 0, 0, {{.label = classes.label_of("dog", "f")}}},
                        {"b", 0, 0, {{.label = classes.label_of("cat", "f")}}}};
  EXPECT_EQ(classes.label_of("dog", "f"), 0);
  std::move(classes).finish(annotations);
  EXPECT_EQ(annotations.classes, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(annotations.images[0].boxes[0].label, 1);
  EXPECT_EQ(annotations.images[1].boxes[0].label, 0);
}

TEST(Annotations, GivenClassesKeepTheirOrder) {
  ClassNames classes({"dog", "cat"});
  EXPECT_EQ(classes.label_of("cat", "f"), 1);
  EXPECT_EQ(message_of([&] { classes.label_of("dogs", "f: box 1"); }),
            "f: box 1: unknown class 'dogs', did you mean 'dog'?");
  EXPECT_EQ(message_of([&] { classes.label_of("", "f"); }),
            "f: expected the name of a class, found none");
  Annotations annotations;
  std::move(classes).finish(annotations);
  EXPECT_EQ(annotations.classes, (std::vector<std::string>{"dog", "cat"}));
  EXPECT_EQ(message_of([] {
              ClassNames({"a", "b", "a"});
            }),
            "classes: expected different names, found 'a' twice");
}

}  // namespace
}  // namespace d2l::vision::test
