#include "data/formats/webp.h"

#include <cstdlib>

#include "framework/base/error.h"
#include "tests/data/webp_support.h"

namespace d2l::data::test {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(Webp, LosslessIsExact) {
  const Bytes pixels = test_picture(37, 50, 3);
  const Bytes file = make_webp(pixels, 37, 50, 3, true);
  EXPECT_EQ(encoding_of(file), Encoding::webp);
  EXPECT_EQ(read_image_header(file).encoding, Encoding::webp);
  EXPECT_EQ(read_image_header(file).shape, (Shape{37, 50, 3}));
  EXPECT_EQ(decoded(file, 3).pixels, pixels);
  const Image grey = decoded(file, 1);
  ASSERT_EQ(grey.shape, (Shape{37, 50, 1}));
  EXPECT_EQ(grey.pixels[0],
            (pixels[0] * 19595 + pixels[1] * 38470 + pixels[2] * 7471 + 0x8000) >> 16);
}

TEST(Webp, LossyIsNear) {
  const Bytes pixels = test_picture(64, 80, 3);
  const Image image = decoded(make_webp(pixels, 64, 80, 3, false), 3);
  ASSERT_EQ(image.shape, (Shape{64, 80, 3}));
  double sum = 0;
  for (size_t i = 0; i < pixels.size(); ++i) sum += std::abs(image.pixels[i] - pixels[i]);
  EXPECT_LT(sum / static_cast<double>(pixels.size()), 3);
}

TEST(Webp, TransparentPixelsAreShownOnWhite) {
  Bytes pixels;
  for (int alpha = 0; alpha < 256; ++alpha)
    pixels.insert(pixels.end(), {100, 200, 50, static_cast<uint8_t>(alpha)});
  const Image image = decoded(make_webp(pixels, 16, 16, 4, true), 3);
  EXPECT_EQ(read_image_header(make_webp(pixels, 16, 16, 4, true)).shape, (Shape{16, 16, 3}));
  for (int alpha = 0; alpha < 256; ++alpha)
    EXPECT_EQ(image.pixels[3 * alpha], (100 * alpha + 255 * (255 - alpha) + 127) / 255);
}

TEST(Webp, ATruncatedFileIsAnError) {
  for (const bool lossless : {true, false}) {
    const Bytes file = make_webp(test_picture(20, 30, 3), 20, 30, 3, lossless);
    for (size_t size = 12; size < file.size(); ++size) {
      const Bytes piece(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_NE(message_of([&] { decoded(piece, 3); }).find("the WebP file is truncated"),
                std::string::npos)
          << size;
    }
  }
}

TEST(Webp, AnAnimationIsAnError) {
  EXPECT_EQ(message_of([] { decoded(animated_webp(), 3); }),
            "an animated WebP is not supported, only still images");
}

TEST(Webp, ImpossibleSizesAreAnError) {
  // lossless: 14 bits each of width - 1 and height - 1 after the signature
  Bytes file = make_webp(test_picture(20, 30, 3), 20, 30, 3, true);
  ASSERT_EQ(file[20], 0x2f);
  file[21] = file[22] = file[23] = 0xff;
  file[24] |= 0x0f;
  EXPECT_EQ(message_of([&] { decoded(file, 3); }),
            "the WebP header says 16,384 x 16,384 pixels (width x height); the most supported are "
            "1,000,000 on a side and 134,217,728 in total");
  file[22] &= 0xdf;  // a width of 8,192
  EXPECT_NE(message_of([&] { decoded(file, 3); }).find(" bytes cannot hold"), std::string::npos);
}

TEST(Webp, IsShownAsExifSays) {
  const Bytes pixels = test_picture(3, 5, 3);
  const Bytes file = webp_with_exif(pixels, 3, 5, exif_data(6, false));
  EXPECT_EQ(read_image_header(file).shape, (Shape{5, 3, 3}));
  const Image image = decoded(file, 3);
  ASSERT_EQ(image.shape, (Shape{5, 3, 3}));
  for (size_t y = 0; y < 5; ++y)
    for (size_t x = 0; x < 3; ++x)
      for (size_t c = 0; c < 3; ++c)
        EXPECT_EQ(image.pixels[(y * 3 + x) * 3 + c], pixels[((2 - x) * 5 + y) * 3 + c]);
}

}  // namespace
}  // namespace d2l::data::test
