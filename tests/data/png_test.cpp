#include "data/formats/png.h"

#include "framework/base/error.h"
#include "tests/data/image_support.h"

namespace d2l::data::test {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(Png, TransparentPixelsAreShownOnWhite) {
  const PngRecipe recipe{.height = 1,
                         .width = 4,
                         .colour_type = 6,  // RGB and alpha
                         .rows = {10, 20, 30, 255, 10, 20, 30, 0, 0, 100, 200, 128, 0, 0, 0, 1}};
  EXPECT_EQ(decoded(make_png(recipe), 3).pixels,
            (Bytes{10, 20, 30, 255, 255, 255, 127, 177, 227, 254, 254, 254}));
  const PngRecipe grey{
      .height = 2, .width = 2, .colour_type = 4, .rows = {10, 255, 10, 0, 100, 128, 200, 51}};
  EXPECT_EQ(decoded(make_png(grey), 1).pixels, (Bytes{10, 255, 177, 244}));
  EXPECT_EQ(decoded(make_png(grey), 3).pixels,
            (Bytes{10, 10, 10, 255, 255, 255, 177, 177, 177, 244, 244, 244}));
  EXPECT_EQ(read_image_header(make_png(grey)).shape, (Shape{2, 2, 1}));
}

TEST(Png, SixteenBitsAreRounded) {
  const PngRecipe recipe{.height = 1,
                         .width = 6,
                         .depth = 16,
                         .colour_type = 0,
                         // 0, 128, 129 (more than half of 257), 257 * 100, 257 * 100 - 129, 65535
                         .rows = {0, 0, 0, 128, 0, 129, 0x64, 0x64, 0x63, 0xe3, 0xff, 0xff}};
  EXPECT_EQ(decoded(make_png(recipe), 1).pixels, (Bytes{0, 0, 1, 100, 99, 255}));
}

TEST(Png, GammaIsIgnored) {
  PngRecipe recipe{.height = 8, .width = 8, .rows = test_picture(8, 8, 3)};
  recipe.before_pixels = png_chunk("gAMA", {0, 0, 0x27, 0x10});
  EXPECT_EQ(decoded(make_png(recipe), 3).pixels, recipe.rows);
}

TEST(Png, AnAnimationShowsItsDefaultImage) {
  PngRecipe recipe{.height = 8, .width = 8, .rows = test_picture(8, 8, 3)};
  recipe.before_pixels = png_chunk("acTL", {0, 0, 0, 2, 0, 0, 0, 0});
  recipe.after_pixels = png_chunk("fdAT", {0, 0, 0, 1, 1, 2, 3});
  EXPECT_EQ(decoded(make_png(recipe), 3).pixels, recipe.rows);
}

TEST(Png, EveryWrongChecksumIsAnError) {
  PngRecipe recipe{.height = 8, .width = 8, .rows = test_picture(8, 8, 3)};
  for (const bool before : {true, false}) {
    Bytes text = png_chunk("tEXt", {'T', 'i', 't', 'l', 'e', 0, 'x'});
    recipe.before_pixels = before ? text : Bytes{};
    recipe.after_pixels = before ? Bytes{} : text;
    EXPECT_EQ(decoded(make_png(recipe), 3).pixels, recipe.rows);
    (before ? recipe.before_pixels : recipe.after_pixels).back() ^= 1;
    EXPECT_EQ(message_of([&] { decoded(make_png(recipe), 3); }),
              "the PNG file is damaged: tEXt: CRC error");
  }
}

TEST(Png, ATruncatedFileIsAnError) {
  const Bytes file = make_png({.height = 20, .width = 20, .rows = test_picture(20, 20, 3)});
  for (size_t size = 8; size < file.size(); ++size) {
    const Bytes piece(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(message_of([&] { decoded(piece, 3); }), "the PNG file is truncated: it ends after " +
                                                          std::to_string(size) +
                                                          " bytes, without the chunk IEND");
  }
  Bytes longer = file;
  longer.resize(file.size() + 100);
  EXPECT_EQ(decoded(longer, 3).pixels, decoded(file, 3).pixels);
}

TEST(Png, ImpossibleSizesAreAnError) {
  PngRecipe recipe{.height = 100000, .width = 100000};
  recipe.rows = {1};
  const auto message = [&] {
    EXPECT_EQ(message_of([&] { read_image_header(make_png(recipe)); }),
              message_of([&] { decoded(make_png(recipe), 3); }));
    return message_of([&] { decoded(make_png(recipe), 3); });
  };
  EXPECT_EQ(message(),
            "the PNG header says 100,000 x 100,000 pixels (width x height); the most supported are "
            "1,000,000 on a side and 134,217,728 in total");
  recipe.height = 1;
  recipe.width = 1000001;
  EXPECT_NE(message().find("1,000,001 x 1 pixels"), std::string::npos);
  recipe.height = recipe.width = 11000;
  EXPECT_NE(message().find("11,000 x 11,000 pixels (width x height), which "), std::string::npos)
      << message();
}

// The best that Deflate can do must not be taken for a false header.
TEST(Png, AnEmptyPictureIsNotImpossible) {
  PngRecipe recipe{.height = 5000, .width = 5000, .depth = 1, .colour_type = 0};
  recipe.rows.resize(size_t{5000} * 625);
  const Bytes file = make_png(recipe);
  EXPECT_LT(file.size(), 4000U);
  const Image image = decoded(file, 1);
  EXPECT_EQ(image.shape, (Shape{5000, 5000, 1}));
}

}  // namespace
}  // namespace d2l::data::test
