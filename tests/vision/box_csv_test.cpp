#include "vision/annotations/box_csv.h"

#include "tests/vision/vision_support.h"

namespace d2l::vision::test {
namespace {

using d2l::test::TemporaryFolder;

Annotations parsed(const std::string& text, const std::vector<std::string>& classes = {}) {
  std::string_view rest = text;
  data::CsvReader reader("b.csv", [&](std::span<char> into) {
    const size_t count = rest.copy(into.data(), into.size());
    rest.remove_prefix(count);
    return count;
  });
  return parse_box_csv(reader, classes);
}

std::string error_of(const std::string& rows, const std::vector<std::string>& classes = {}) {
  return message_of(
      [&] { parsed("image,class,left,top,right,bottom,width,height\n" + rows, classes); });
}

TEST(BoxCsv, ReadsRows) {
  const Annotations found = parsed(
      "bottom,top,right,left,note,class,image\n"
      "371,240,195.5,48,x,dog,b.jpg\n"
      "2,0,3,0,,cat,a.jpg\n"
      ",,,,,,c.jpg\n"
      "9,0,9,0,,cat,b.jpg\n");
  EXPECT_EQ(found.classes, (std::vector<std::string>{"cat", "dog"}));
  ASSERT_EQ(found.images.size(), 3U);
  EXPECT_EQ(found.images[0].name, "b.jpg");
  EXPECT_EQ(found.images[0].width, 0);
  ASSERT_EQ(found.images[0].boxes.size(), 2U);
  const TrueBox& first = found.images[0].boxes[0];
  EXPECT_EQ(first.label, 1);
  EXPECT_EQ(first.box.left, 48);
  EXPECT_EQ(first.box.top, 240);
  EXPECT_EQ(first.box.right, 195.5);
  EXPECT_EQ(first.box.bottom, 371);
  EXPECT_EQ(found.images[1].boxes[0].area, 6);
  EXPECT_TRUE(found.images[2].boxes.empty());
}

TEST(BoxCsv, KnowsSizes) {
  const Annotations found = parsed(
      "image,class,left,top,right,bottom,width,height\na,dog,0,0,4,4,40,30\na,dog,0,0,5,5,40,30\n",
      {"cat", "dog"});
  EXPECT_EQ(found.images[0].width, 40);
  EXPECT_EQ(found.images[0].height, 30);
  EXPECT_EQ(found.images[0].boxes[1].label, 1);
}

TEST(BoxCsv, ErrorsNameLineImageAndBox) {
  const std::string first = "a,dog,0,0,4,4,40,30\n", place = "b.csv, line 3: image 'a', box 2: ";
  EXPECT_EQ(
      error_of(first + "a,dog,0,0,41,4,40,30\n"),
      place + "expected a box inside of the image, from (0, 0) to (40, 30), found (0, 0, 41, 4)");
  EXPECT_EQ(error_of(first + "a,dog,4,0,4,4,40,30\n"),
            place + "expected a box with left < right and top < bottom, found (4, 0, 4, 4)");
  EXPECT_EQ(error_of(first + "a,dog,nan,0,4,4,40,30\n"),
            place + "left: expected a number, found 'nan'");
  EXPECT_EQ(error_of(first + "a,dog,0,0,4,,40,30\n"),
            place + "bottom: expected a number, found ''");
  EXPECT_EQ(error_of(first + "a,,0,0,4,4,40,30\n"),
            place + "expected the name of a class, found none");
  EXPECT_EQ(error_of(first + "a,elephant,0,0,4,4,40,30\n", {"dog"}),
            place + "unknown class 'elephant'; expected one of dog");
}

TEST(BoxCsv, ErrorsOfImages) {
  const std::string first = "a,dog,0,0,4,4,40,30\n";
  EXPECT_EQ(error_of(first + "a,dog,0,0,4,4,40,31\n"),
            "b.csv, line 3: image 'a': expected the size 40 x 30 as before, found 40 x 31");
  EXPECT_EQ(error_of(",dog,0,0,4,4,40,30\n"),
            "b.csv, line 2: expected the name of an image, found none");
  EXPECT_EQ(error_of("a,dog,0,0,4,4,40,3.5\n"),
            "b.csv, line 2: expected a height of at least 1 pixel, found 3.5");
  EXPECT_EQ(
      error_of("a,dog,0,0,4,4,40,\n"),
      "b.csv, line 2: image 'a': expected a width and a height from 1 to 1000000, found 40 and "
      "0");
}

TEST(BoxCsv, ErrorsOfColumns) {
  EXPECT_EQ(
      message_of([] { parsed("image,class,left,top,right\n"); }),
      "b.csv, line 1: expected the columns image, class, left, top, right and bottom, found no "
      "column 'bottom'");
  EXPECT_EQ(message_of([] { parsed("image,class,left,top,right,bottom,width\n"); }),
            "b.csv, line 1: expected the columns width and height, found only one of them");
}

TEST(BoxCsv, ReadsFiles) {
  const TemporaryFolder folder;
  write_text_file(folder.path() / "b.csv", "image;class;left;top;right;bottom\na;dog;0;0;4;4\n");
  EXPECT_EQ(read_box_csv(folder.path() / "b.csv").images[0].boxes.size(), 1U);
}

}  // namespace
}  // namespace d2l::vision::test
