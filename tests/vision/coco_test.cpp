#include "vision/annotations/coco.h"

#include "tests/vision/vision_support.h"

namespace d2l::vision::test {
namespace {

const std::string kImages =
    R"("images": [{"id": 42, "file_name": "b.jpg", "width": 50, "height": 60, "license": 3},)"
    R"( {"height": 6, "width": 5, "file_name": "train/a.jpg", "id": -1}])";
const std::string kCategories =
    R"("categories": [{"id": 90, "name": "cat"}, {"supercategory": "animal", "id": 18, "name": "dog"}])";

std::string file(const std::string& annotations) {
  return "{\"info\": {\"a\": [1, {\"images\": []}]}, \"annotations\": [" + annotations + "], " +
         kImages + ", " + kCategories + "}";
}

std::string line(const std::string& box, const std::string& more = "", int category = 18) {
  return "{\"id\": 7, \"image_id\": 42, \"category_id\": " + std::to_string(category) + more +
         ", \"bbox\": " + box + "}";
}

std::string error_of(const std::string& json) {
  return message_of([&] { parse_coco(json, "c.json"); });
}

TEST(Coco, ReadsImagesClassesAndBoxes) {
  const Annotations found = parse_coco(
      file(line("[10.5, 20, 5, 4e0]",
                R"(, "area": 12.25, "iscrowd": 1, "segmentation": [[1, 2, [3]], {"bbox": 1}])",
                90) +
           "," + line("[0, 0, 50, 60]")),
      "c.json");
  EXPECT_EQ(found.classes, (std::vector<std::string>{"dog", "cat"}));  // by id
  ASSERT_EQ(found.images.size(), 2U);
  const AnnotatedImage& image = found.images[0];
  EXPECT_EQ(image.name, "b.jpg");
  EXPECT_EQ(image.width, 50);
  EXPECT_EQ(image.height, 60);
  ASSERT_EQ(image.boxes.size(), 2U);
  EXPECT_EQ(image.boxes[0].label, 1);
  EXPECT_EQ(image.boxes[0].box.left, 10.5);
  EXPECT_EQ(image.boxes[0].box.top, 20);
  EXPECT_EQ(image.boxes[0].box.right, 15.5);
  EXPECT_EQ(image.boxes[0].box.bottom, 24);
  EXPECT_EQ(image.boxes[0].area, 12.25);
  EXPECT_TRUE(image.boxes[0].crowd);
  EXPECT_EQ(image.boxes[1].label, 0);
  EXPECT_EQ(image.boxes[1].area, 3000);
  EXPECT_FALSE(image.boxes[1].crowd);
  EXPECT_EQ(found.images[1].name, "train/a.jpg");
  EXPECT_TRUE(found.images[1].boxes.empty());
}

TEST(Coco, ErrorsNameImageAndBox) {
  const auto second = [](const std::string& bad) { return file(line("[0, 0, 1, 1]") + "," + bad); };
  const std::string place = "c.json: image 'b.jpg', box 2: ";
  EXPECT_EQ(
      error_of(second(line("[0, 0, 51, 1]"))),
      place + "expected a box inside of the image, from (0, 0) to (50, 60), found (0, 0, 51, 1)");
  EXPECT_EQ(error_of(second(line("[3, 0, 0, 1]"))),
            place + "expected a box with left < right and top < bottom, found (3, 0, 3, 1)");
  EXPECT_EQ(error_of(second(line("[0, 0, 1, 1]", "", 19))),
            place + "expected the id of a category, found 19");
  EXPECT_EQ(error_of(second(line("[0, 0, 1, 1]", ", \"area\": -2"))),
            place + "expected an area of at least 0, found -2");
}

TEST(Coco, ErrorsNameTheEntry) {
  const std::string place = "c.json: entry 1 of annotations: ";
  EXPECT_EQ(error_of(file(R"({"image_id": 3, "category_id": 18, "bbox": [0, 0, 1, 1]})")),
            place + "expected the id of an image, found 3");
  EXPECT_EQ(error_of(file(R"({"image_id": 42, "category_id": 18})")),
            place + "expected the key 'bbox', found none");
  EXPECT_EQ(error_of(file(R"({"image_id": 42, "image_id": 42})")),
            place + "expected one 'image_id', found two");
  EXPECT_EQ(error_of(file(R"({"image_id": 4.5})")),
            place + "expected image_id to be a whole number, found the number 4.5");
  EXPECT_EQ(
      error_of(file(R"({"image_id": 18446744073709551615})")),
      place + "expected image_id to be a whole number, found the number 18446744073709551615");
  EXPECT_EQ(error_of(file(line("[0, 0, 1]"))), place + "expected bbox to have 4 numbers, found 3");
  EXPECT_EQ(error_of(file(line("[0, 0, 1, 1, 1]"))),
            place + "expected bbox to have 4 numbers, found more");
  EXPECT_EQ(error_of(file(line("[0, 0, 1, null]"))),
            place + "expected bbox to be 4 numbers, found null");
  EXPECT_EQ(error_of(file(line("[0, 0, 1, [1]]"))),
            place + "expected bbox to be 4 numbers, found a list");
  EXPECT_EQ(error_of(file(line("\"0 0 1 1\""))),
            place + "expected bbox to be 4 numbers, found a text");
  EXPECT_EQ(error_of(file(line("[0, 0, 1, 1]", ", \"iscrowd\": 2"))),
            place + "expected iscrowd to be 0 or 1, found the number 2");
  EXPECT_EQ(error_of(R"({"images": [{"id": 1, "file_name": 3}]})"),
            "c.json: entry 1 of images: expected file_name to be a text, found the number 3");
}

TEST(Coco, ErrorsOfTheFile) {
  EXPECT_EQ(error_of(""), "c.json: expected a JSON file, found an error at byte 1");
  EXPECT_EQ(error_of(file(line("[0, 0, 1, NaN]"))).substr(0, 55),
            "c.json: expected a JSON file, found an error at byte 11");
  EXPECT_EQ(
      error_of("[]"),
      "c.json: expected an object with lists of images, categories and annotations, found a list");
  EXPECT_EQ(error_of("{}"), "c.json: expected a list 'images', found none");
  EXPECT_EQ(error_of(R"({"images": {}})"),
            "c.json: expected 'images' to be a list, found an object");
  EXPECT_EQ(error_of(R"({"images": [3]})"),
            "c.json: expected objects in 'images', found the number 3");
  EXPECT_EQ(error_of(R"({"images": [], "images": []})"),
            "c.json: expected one list 'images', found two");
}

TEST(Coco, NothingMayBeThereTwice) {
  const std::string rest = R"(, "annotations": []})";
  EXPECT_EQ(error_of("{" + kImages +
                     R"(, "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}])" + rest),
            "c.json: expected different ids of categories, found 1 twice");
  EXPECT_EQ(error_of("{" + kImages +
                     R"(, "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}])" + rest),
            "c.json: classes: expected different names, found 'a' twice");
  const auto images = [&](const std::string& second) {
    return R"({"images": [{"id": 1, "file_name": "a", "width": 1, "height": 1}, )" + second +
           "], " + kCategories + rest;
  };
  EXPECT_EQ(error_of(images(R"({"id": 1, "file_name": "b", "width": 1, "height": 1})")),
            "c.json: expected different ids of images, found 1 twice");
  EXPECT_EQ(error_of(images(R"({"id": 2, "file_name": "a", "width": 1, "height": 1})")),
            "c.json: expected different images, found 'a' twice");
  EXPECT_EQ(error_of(images(R"({"id": 2, "file_name": "b", "width": 0, "height": 0})")),
            "c.json: image 'b': expected a width and a height from 1 on, found 0 and 0");
}

TEST(Coco, DeepNestingIsNoProblem) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(
      parse_coco(file(line("[0, 0, 1, 1]", ", \"x\": " + deep)), "c.json").images[0].boxes.size(),
      1U);
}

TEST(Coco, ReadsFiles) {
  const d2l::test::TemporaryFolder folder;
  const auto path = folder.path() / "c.json";
  write_text_file(path, file(line("[0, 0, 1, 1]")));
  EXPECT_EQ(read_coco(path).images[0].boxes.size(), 1U);
  write_text_file(path, "{");
  EXPECT_EQ(message_of([&] { read_coco(path); }),
            path.string() + ": expected a JSON file, found an error at byte 2");
}

}  // namespace
}  // namespace d2l::vision::test
