#include "data/formats/orientation.h"

#include "tests/data/image_support.h"

namespace d2l::data::test {
namespace {

// Where pixel (y, x) of the shown image is in an image stored with this height and width: the
// definition of the tag, value by value.
std::pair<int64_t, int64_t> stored_place(int value, int64_t y, int64_t x, int64_t height,
                                         int64_t width) {
  switch (value) {
    case 2:
      return {y, width - 1 - x};
    case 3:
      return {height - 1 - y, width - 1 - x};
    case 4:
      return {height - 1 - y, x};
    case 5:
      return {x, y};
    case 6:
      return {height - 1 - x, y};
    case 7:
      return {height - 1 - x, width - 1 - y};
    case 8:
      return {x, width - 1 - y};
    default:
      return {y, x};
  }
}

void expect_oriented(const Image& upright, const Image& shown, int value) {
  const int64_t height = upright.shape[0], width = upright.shape[1], channels = upright.shape[2];
  ASSERT_EQ(shown.shape, value < 5 ? upright.shape : (Shape{width, height, channels}));
  for (int64_t y = 0; y < shown.shape[0]; ++y)
    for (int64_t x = 0; x < shown.shape[1]; ++x)
      for (int64_t c = 0; c < channels; ++c) {
        const auto [row, column] = stored_place(value, y, x, height, width);
        ASSERT_EQ(shown.pixels[(y * shown.shape[1] + x) * channels + c],
                  upright.pixels[(row * width + column) * channels + c])
            << "orientation " << value << " at " << y << ", " << x;
      }
}

TEST(Orientation, JpegIsShownAsExifSays) {
  for (const bool grey : {false, true}) {
    JpegRecipe recipe{.height = 37, .width = 50};
    if (grey) recipe.components = 1, recipe.stored = JCS_GRAYSCALE;
    const auto file = make_jpeg(recipe);
    for (int value = 1; value <= 8; ++value)
      for (const bool big_endian : {false, true}) {
        const auto turned = with_exif(file, exif_data(value, big_endian));
        for (int64_t channels : {1, 3})  // also together with a conversion of the colours
          expect_oriented(decoded(file, channels), decoded(turned, channels), value);
        const Shape shape = read_image_header(turned).shape;
        EXPECT_EQ(shape, value < 5 ? (Shape{37, 50, grey ? 1 : 3}) : (Shape{50, 37, grey ? 1 : 3}));
      }
  }
}

TEST(Orientation, PngIsShownAsExifSays) {
  PngRecipe recipe{.height = 37, .width = 50, .rows = test_picture(37, 50, 3)};
  const Image upright = decoded(make_png(recipe), 3);
  for (int value = 1; value <= 8; ++value) {
    recipe.before_pixels = png_chunk("eXIf", exif_data(value, true));
    expect_oriented(upright, decoded(make_png(recipe), 3), value);
    recipe.before_pixels.swap(recipe.after_pixels);
    expect_oriented(upright, decoded(make_png(recipe), 3), value);
    EXPECT_EQ(read_image_header(make_png(recipe)).shape[0], value < 5 ? 37 : 50);
    recipe.after_pixels.clear();
  }
}

TEST(Orientation, OtherValuesMeanNone) {
  for (int value : {0, 1, 9, 10, 255, 256, 65535}) {
    const auto found = exif_orientation(exif_data(value, false));
    ASSERT_TRUE(found) << value;
    EXPECT_TRUE(found->upright()) << value;
  }
}

TEST(Orientation, OtherEntriesAreSkipped) {
  const auto file = make_jpeg({.height = 8, .width = 16});
  // another APP1 segment, of XMP, comes first
  auto turned = with_exif(file, exif_data(6, true));
  const std::string xmp = "http://ns.adobe.com/xap/1.0/";
  std::vector<uint8_t> segment{0xff, 0xe1, 0, static_cast<uint8_t>(xmp.size() + 2)};
  segment.insert(segment.end(), xmp.begin(), xmp.end());
  EXPECT_EQ(read_image_header(with_bytes(turned, 2, segment)).shape, (Shape{16, 8, 3}));

  // an entry before the orientation
  auto exif = exif_data(6, false);
  const std::vector<uint8_t> entry{0x0f, 0x01, 2, 0, 4, 0, 0, 0, 'a', 'b', 'c', 0};
  exif = with_bytes(exif, 10, entry);
  EXPECT_FALSE(exif_orientation(exif));  // the directory has one entry, the other one
  exif[8] = 2;
  EXPECT_EQ(exif_orientation(exif), orientation_from(6));
  exif[24] = 4;  // the type is a 32-bit number
  EXPECT_EQ(exif_orientation(exif), orientation_from(6));
  exif[24] = 2;  // text
  EXPECT_FALSE(exif_orientation(exif));
}

TEST(Orientation, DamagedExifMeansNone) {
  const auto exif = exif_data(6, false);
  ASSERT_EQ(exif_orientation(exif), orientation_from(6));
  for (size_t size = 0; size < 22; ++size) {  // the last four bytes are not needed
    const std::vector<uint8_t> piece(exif.begin(),
                                     exif.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(exif_orientation(piece)) << size;
  }
  const auto with = [&](size_t at, uint8_t value) {
    auto changed = exif;
    changed[at] = value;
    return exif_orientation(changed);
  };
  EXPECT_FALSE(with(0, 'M'));   // two byte orders
  EXPECT_FALSE(with(2, 43));    // not TIFF
  EXPECT_FALSE(with(7, 0xff));  // the directory is far behind the end
  EXPECT_FALSE(with(14, 2));    // two values
  EXPECT_TRUE(with(9, 0xff));   // more entries than bytes, but the one is there
  // a JPEG file with such data is shown as it is stored
  const auto file = make_jpeg({.height = 8, .width = 16});
  auto damaged = exif;
  damaged[7] = 0xff;
  EXPECT_EQ(decoded(with_exif(file, damaged), 3).pixels, decoded(file, 3).pixels);
}

}  // namespace
}  // namespace d2l::data::test
