#include "data/packing/contact_sheet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "data/packing/font.h"
#include "tests/data/packing_support.h"

namespace d2l::data::test {
namespace {

Image white(int64_t height, int64_t width) {
  const Shape shape{height, width, 3};
  return {shape, std::vector<uint8_t>(static_cast<size_t>(shape.elements()), 255)};
}

TEST(Font, LettersAreDrawnWhereTheyBelong) {
  Image image = white(10, 14);
  draw_text(image, 1, 1, "Hi");
  std::string rows;
  for (int64_t y = 0; y < 10; ++y) {
    for (int64_t x = 0; x < 14; ++x)
      rows += image.pixels[static_cast<size_t>((y * 14 + x) * 3)] == 0 ? '#' : '.';
    rows += '\n';
  }
  EXPECT_EQ(rows,
            "..............\n"
            ".#...#...#....\n"
            ".#...#........\n"
            ".#...#..##....\n"
            ".#####...#....\n"
            ".#...#...#....\n"
            ".#...#...#....\n"
            ".#...#..###...\n"
            "..............\n"
            "..............\n");
}

TEST(Font, AllCharactersDiffer) {
  std::set<std::vector<uint8_t>> seen;
  for (char c = ' '; c <= '~'; ++c) {
    Image image = white(kCellHeight, kCellWidth);
    draw_text(image, 0, 0, std::string(1, c));
    EXPECT_TRUE(seen.insert(image.pixels).second) << c;
  }
  EXPECT_EQ(seen.size(), 95U);
}

TEST(Font, NothingIsDrawnOutside) {
  Image image = white(4, 4);
  draw_text(image, -3, -2, "abc\xC3\xA9");
  draw_text(image, 3, 3, "abc");
  EXPECT_EQ(image.pixels.size(), 48U);
}

TEST(ContactSheet, PicturesAreInRows) {
  std::vector<SheetPicture> pictures(5);
  for (SheetPicture& picture : pictures) picture.image = smooth_image({8, 8, 3}, 0);
  pictures[1].image = smooth_image({400, 200, 1}, 1);  // scaled down to 32 x 16
  pictures[4].image = {{8, 8, 3}, std::vector<uint8_t>(192, 7)};
  pictures[4].caption = "cat";
  const Image sheet = contact_sheet(pictures, 32);
  EXPECT_EQ(sheet.shape, (Shape{2 * 56 + 8, 3 * 40 + 8, 3}));
  // the fifth picture, enlarged four times, is the second in the second row
  const auto at = [&](int64_t y, int64_t x) {
    return sheet.pixels[static_cast<size_t>((y * sheet.shape[1] + x) * 3)];
  };
  EXPECT_EQ(at(64, 48), 7);
  EXPECT_EQ(at(95, 79), 7);
  EXPECT_EQ(at(64, 47), 255);
  EXPECT_EQ(at(96, 48), 255);
  EXPECT_EQ(std::count(sheet.pixels.begin() + 96 * sheet.shape[1] * 3, sheet.pixels.end(), 0) % 3,
            0);
  EXPECT_GT(std::count(sheet.pixels.begin() + 96 * sheet.shape[1] * 3, sheet.pixels.end(), 0), 30);
}

}  // namespace
}  // namespace d2l::data::test
