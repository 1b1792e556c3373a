#include "data/formats/jpeg.h"

#include <algorithm>
#include <cstdlib>

#include "framework/base/error.h"
#include "tests/data/image_support.h"

namespace d2l::data::test {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes first(const Bytes& file, size_t count) {
  return {file.begin(), file.begin() + static_cast<std::ptrdiff_t>(count)};
}

// The position of the last marker 0xff `marker`.
size_t last_marker(const Bytes& file, uint8_t marker) {
  const Bytes bytes{0xff, marker};
  const auto found = std::find_end(file.begin(), file.end(), bytes.begin(), bytes.end());
  EXPECT_NE(found, file.end());
  return static_cast<size_t>(found - file.begin());
}

size_t frame(const Bytes& file, uint8_t type = 0xc0) { return last_marker(file, type); }

JpegHeader header_of(const Bytes& file) {
  JpegDecompressor decompressor(file);
  return read_jpeg_header(decompressor);
}

std::string error_of(const Bytes& file) {
  return message_of([&] { decoded(file, 3); });
}

// Mean difference between a decoded file and what it was made of.
double mean_error(const JpegRecipe& recipe) {
  const Bytes file = make_jpeg(recipe);
  Bytes expected = test_picture(recipe.height, recipe.width, recipe.components);
  if (recipe.components == 4) {  // the library writes an Adobe marker: the numbers are 255 - ink
    Bytes rgb;
    for (size_t i = 0; i < expected.size(); i += 4)
      for (size_t c = 0; c < 3; ++c) {
        const int colour = expected[i + c], light = expected[i + 3];
        rgb.push_back(static_cast<uint8_t>(
            recipe.without_adobe ? (255 - colour) * (255 - light) / 255 : colour * light / 255));
      }
    expected = rgb;
  }
  const Image image = decoded(file, recipe.components == 1 ? 1 : 3);
  EXPECT_EQ(image.pixels.size(), expected.size());
  double sum = 0;
  for (size_t i = 0; i < expected.size(); ++i) sum += std::abs(image.pixels[i] - expected[i]);
  return sum / static_cast<double>(expected.size());
}

TEST(Jpeg, AllKindsAreDecoded) {
  const JpegRecipe grey{.components = 1, .stored = JCS_GRAYSCALE, .horizontal = 1, .vertical = 1};
  const JpegRecipe rgb{.stored = JCS_RGB, .horizontal = 1, .vertical = 1};
  const JpegRecipe cmyk{.components = 4, .stored = JCS_CMYK, .horizontal = 1, .vertical = 1};
  const JpegRecipe ycck{.components = 4, .stored = JCS_YCCK};
  JpegRecipe plain_cmyk = cmyk;
  plain_cmyk.without_adobe = true;
  int kinds = 0;
  for (JpegRecipe recipe : {JpegRecipe{}, grey, rgb, cmyk, plain_cmyk, ycck})
    for (const bool progressive : {false, true})
      for (const bool arithmetic : {false, true})
        for (const int restart_interval : {0, 2}) {
          recipe.progressive = progressive;
          recipe.arithmetic = arithmetic;
          recipe.restart_interval = restart_interval;
          EXPECT_LT(mean_error(recipe), 2.5)
              << recipe.components << " components, colours " << recipe.stored << ", progressive "
              << progressive << ", arithmetic " << arithmetic << ", restarts " << restart_interval;
          const JpegHeader header = header_of(make_jpeg(recipe));
          EXPECT_EQ(header.components, recipe.components);
          EXPECT_EQ(header.progressive, progressive);
          EXPECT_EQ(header.arithmetic, arithmetic);
          EXPECT_EQ(header.restart_interval, restart_interval);
          ++kinds;
        }
  EXPECT_EQ(kinds, 48);
}

TEST(Jpeg, AllSamplingsAreDecoded) {
  for (int horizontal = 1; horizontal <= 4; ++horizontal)
    for (int vertical = 1; vertical <= 4; ++vertical) {
      if (horizontal * vertical > 8) continue;  // an MCU has at most ten blocks
      for (const int64_t size : {7, 33}) {
        const JpegRecipe recipe{
            .height = size, .width = size + 1, .horizontal = horizontal, .vertical = vertical};
        EXPECT_LT(mean_error(recipe), 4) << horizontal << " x " << vertical << ", " << size;
        const auto sampling = header_of(make_jpeg(recipe)).sampling;
        EXPECT_EQ(sampling[0].horizontal, horizontal);
        EXPECT_EQ(sampling[0].vertical, vertical);
        EXPECT_EQ(sampling[1].vertical, 1);
      }
    }
}

TEST(Jpeg, WhatIsNotSupportedIsNamed) {
  Bytes file = make_jpeg({});
  const size_t at = frame(file);
  file[at + 4] = 12;  // bits
  EXPECT_EQ(error_of(file), "JPEG with 12 bits per sample is not supported (expected 8)");
  file[at + 4] = 8;
  file[at + 1] = 0xc3;
  EXPECT_EQ(error_of(file), "lossless JPEG (frame type 0xc3) is not supported");
  file[at + 1] = 0xc6;
  EXPECT_EQ(error_of(file), "hierarchical JPEG (frame type 0xc6) is not supported");
  file[at + 1] = 0xc0;
  file[at + 5] = file[at + 6] = 0;  // height
  EXPECT_EQ(error_of(file), "the JPEG file has no pixels: its header says a height or width of 0");
  EXPECT_EQ(error_of(make_jpeg({.components = 2, .stored = JCS_UNKNOWN})),
            "JPEG with 2 colour components is not supported (expected 1, 3 or 4)");
}

TEST(Jpeg, ATruncatedFileIsAnError) {
  for (const bool progressive : {false, true})
    for (const bool arithmetic : {false, true}) {
      const Bytes file = make_jpeg({.progressive = progressive, .arithmetic = arithmetic});
      for (size_t size = 3; size < file.size(); ++size)
        EXPECT_NE(error_of(first(file, size))
                      .find("truncated: it ends after " + std::to_string(size) + " bytes"),
                  std::string::npos)
            << size;
    }
}

TEST(Jpeg, LostDataAreAnError) {
  // The end of the image, in the middle of its data.
  for (const bool progressive : {false, true}) {
    const Bytes file = make_jpeg({.height = 160, .width = 160, .progressive = progressive});
    const Bytes sos{0xff, 0xda};
    const auto scan = std::search(file.begin(), file.end(), sos.begin(), sos.end());
    const auto middle = static_cast<size_t>(scan - file.begin()) + 30;
    const std::string message = error_of(with_bytes(file, middle, {0xff, 0xd9}));
    EXPECT_NE(message.find("of 160: premature end of data segment"), std::string::npos) << message;
  }
  // Restart markers in the wrong order.
  Bytes file = make_jpeg({.height = 64, .width = 64, .restart_interval = 1});
  file[last_marker(file, 0xd3) + 1] = 0xd6;
  const std::string message = error_of(file);
  EXPECT_NE(message.find("found marker 0xd6 instead of RST3"), std::string::npos) << message;
}

TEST(Jpeg, AnUnusualFileIsShown) {
  const Bytes file = make_jpeg({});
  const Image expected = decoded(file, 3);
  Bytes longer = file;
  longer.insert(longer.end(), 1000, 0);
  EXPECT_EQ(decoded(longer, 3).pixels, expected.pixels);
  const Bytes superfluous = with_bytes(file, file.size() - 2, {1, 2, 3, 4});
  EXPECT_EQ(decoded(superfluous, 3).pixels, expected.pixels);
  JpegDecompressor decompressor(superfluous);
  jpeg_decompress_struct& info = decompressor.info();
  decompressor.run([&] {
    jpeg_read_header(&info, TRUE);
    jpeg_start_decompress(&info);
    uint8_t row[40 * 3];
    JSAMPROW rows = row;
    while (info.output_scanline < info.output_height) jpeg_read_scanlines(&info, &rows, 1);
    jpeg_finish_decompress(&info);
  });
  EXPECT_EQ(decompressor.warnings(), 1);
}

TEST(Jpeg, TheNumberOfScansIsLimited) {
  const Bytes file = make_jpeg({.components = 1,
                                .stored = JCS_GRAYSCALE,
                                .horizontal = 1,
                                .vertical = 1,
                                .progressive = true});
  // The second scan, which has some bits of the AC coefficients, can be repeated.
  const Bytes sos{0xff, 0xda}, dht{0xff, 0xc4};
  auto scan = std::search(file.begin(), file.end(), sos.begin(), sos.end());
  scan = std::search(scan + 2, file.end(), sos.begin(), sos.end());
  const Bytes repeated(scan, std::search(scan, file.end(), dht.begin(), dht.end()));
  const auto with_scans = [&](int more) {
    Bytes result = file;
    for (int i = 0; i < more; ++i)
      result = with_bytes(result, static_cast<size_t>(scan - file.begin()), repeated);
    return result;
  };
  EXPECT_EQ(decoded(with_scans(200), 1).shape, (Shape{24, 40, 1}));
  EXPECT_EQ(error_of(with_scans(300)), "the JPEG file has more than 256 scans, the most supported");
}

TEST(Jpeg, ImpossibleSizesAreAnError) {
  const auto with_size = [&](bool progressive, uint16_t height, uint16_t width) {
    Bytes file = make_jpeg({.progressive = progressive});
    const size_t at = frame(file, progressive ? 0xc2 : 0xc0) + 5;
    file[at] = static_cast<uint8_t>(height >> 8);
    file[at + 1] = static_cast<uint8_t>(height);
    file[at + 2] = static_cast<uint8_t>(width >> 8);
    file[at + 3] = static_cast<uint8_t>(width);
    EXPECT_EQ(message_of([&] { read_image_header(file); }), error_of(file));
    return error_of(file);
  };
  for (const bool progressive : {false, true}) {
    EXPECT_EQ(
        with_size(progressive, 65000, 65000),
        "the JPEG header says 65,000 x 65,000 pixels (width x height); the most supported are "
        "1,000,000 on a side and 134,217,728 in total");
    const std::string message = with_size(progressive, 11000, 12000);
    EXPECT_NE(message.find("says 12,000 x 11,000 pixels (width x height), which "),
              std::string::npos)
        << message;
    EXPECT_NE(message.find(" bytes cannot hold"), std::string::npos) << message;
  }
}

TEST(Jpeg, CompressorsAndDecompressorsMove) {
  const Bytes file = make_jpeg({});
  JpegDecompressor source(file);
  JpegDecompressor decompressor = std::move(source);
  EXPECT_EQ(read_jpeg_header(decompressor).stored, (Shape{24, 40, 3}));
  JpegCompressor unused, compressor = std::move(unused);
  EXPECT_THROW(compressor.run([&] { jpeg_start_compress(&compressor.info(), TRUE); }), Error);
}

}  // namespace
}  // namespace d2l::data::test
