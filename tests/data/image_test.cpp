#include <zlib.h>

#include <algorithm>
#include <map>
#include <set>

#include "framework/base/error.h"
#include "tests/data/image_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;

// Names of all files below `folder`, relative to it, sorted.
std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) names.push_back(entry.path().lexically_relative(folder).string());
  std::sort(names.begin(), names.end());
  return names;
}

uint32_t crc_of(const Image& image, uint32_t crc = 0) {
  return static_cast<uint32_t>(
      crc32(crc, image.pixels.data(), static_cast<uInt>(image.pixels.size())));
}

int largest_difference(const Image& a, const Image& b) {
  if (a.shape != b.shape) return 256;
  int largest = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(a.pixels[i] - b.pixels[i]));
  return largest;
}

TEST(ImageFiles, EveryValidJpegEqualsItsReference) {
  const fs::path data = data_dir() / "images/jpeg_valid";
  if (!fs::exists(data)) GTEST_SKIP() << kNoData;
  // Other decoders made the references; they round YCbCr -> RGB and CMYK -> RGB differently. One
  // decoder multiplies the YCCK file's inks before it rounds: 19 of its 499,500 values differ by 3.
  const std::map<std::string, int> larger = {{"ycck.jpg", 3}};
  int compared = 0;
  for (const std::string& name : files_below(data)) {
    if (!name.ends_with(".jpg")) continue;
    const auto file = bytes_of(data / name);
    if (name == "lossless/1/jpeg_lossless_sel1.jpg") {
      EXPECT_EQ(message_of([&] { decoded(file, 3); }),
                "lossless JPEG (frame type 0xc3) is not supported");
      continue;
    }
    const Image found = decoded(file, 3);
    const ImageHeader header = read_image_header(file);
    EXPECT_EQ(header.shape[0], found.shape[0]) << name;
    EXPECT_EQ(header.shape[1], found.shape[1]) << name;
    // this file is a PNG file with the wrong name
    EXPECT_EQ(header.encoding, name == "mozilla/jpg-size-6x6.jpg" ? Encoding::png : Encoding::jpeg)
        << name;
    if (name == "mjpeg.jpg") {  // without Huffman tables; has no reference, this is from Pillow
      EXPECT_EQ(crc_of(found), 0x65f907efU);
      continue;
    }
    const auto reference = bytes_of(data / (name.substr(0, name.size() - 4) + ".png"));
    ASSERT_FALSE(reference.empty()) << name;
    const auto allowed = larger.find(name);
    EXPECT_LE(largest_difference(found, decoded(reference, 3)),
              allowed == larger.end() ? 2 : allowed->second)
        << name;
    ++compared;
  }
  EXPECT_EQ(compared, 36);
}

// CRC-32 of the RGB pixels of all valid files of PngSuite, decoded by a program of its own (zlib,
// the filters and Adam7 in Python): samples scaled to 8 bits and rounded, then blended with white.
const std::map<std::string, uint32_t> kPngSuite = {
    {"PngSuite", 0xf2a8c0cf}, {"basi0g01", 0x1d8b1934}, {"basi0g02", 0xcce2e274},
    {"basi0g04", 0xe6edc27d}, {"basi0g08", 0x7e0a8ab4}, {"basi0g16", 0xb0030af3},
    {"basi2c08", 0x7855b9bf}, {"basi2c16", 0xf8f7d651}, {"basi3p01", 0x31ec284b},
    {"basi3p02", 0x279a463a}, {"basi3p04", 0x3a9e038e}, {"basi3p08", 0xff6e2940},
    {"basi4a08", 0xcad7931d}, {"basi4a16", 0x7838c356}, {"basi6a08", 0x1e8aa6be},
    {"basi6a16", 0xae6b5b90}, {"basn0g01", 0x1d8b1934}, {"basn0g02", 0xcce2e274},
    {"basn0g04", 0xe6edc27d}, {"basn0g08", 0x7e0a8ab4}, {"basn0g16", 0xb0030af3},
    {"basn2c08", 0x7855b9bf}, {"basn2c16", 0xf8f7d651}, {"basn3p01", 0x31ec284b},
    {"basn3p02", 0x279a463a}, {"basn3p04", 0x3a9e038e}, {"basn3p08", 0xff6e2940},
    {"basn4a08", 0xcad7931d}, {"basn4a16", 0x7838c356}, {"basn6a08", 0x1e8aa6be},
    {"basn6a16", 0xae6b5b90}, {"bgai4a08", 0xcad7931d}, {"bgai4a16", 0x7838c356},
    {"bgan6a08", 0x1e8aa6be}, {"bgan6a16", 0xae6b5b90}, {"bgbn4a08", 0xcad7931d},
    {"bggn4a16", 0x7838c356}, {"bgwn6a08", 0x1e8aa6be}, {"bgyn6a16", 0xae6b5b90},
    {"ccwn2c08", 0x61b69e8e}, {"ccwn3p08", 0x2e1d8ef1}, {"cdfn2c08", 0x99af40a3},
    {"cdhn2c08", 0x84a4ef40}, {"cdsn2c08", 0x82b26daf}, {"cdun2c08", 0xee50e3ca},
    {"ch1n3p04", 0x3a9e038e}, {"ch2n3p08", 0xff6e2940}, {"cm0n0g04", 0xc6bd1a35},
    {"cm7n0g04", 0xc6bd1a35}, {"cm9n0g04", 0xc6bd1a35}, {"cs3n2c16", 0xddd74556},
    {"cs3n3p08", 0xc47263e3}, {"cs5n2c08", 0x1b16d169}, {"cs5n3p08", 0x1b16d169},
    {"cs8n2c08", 0x7306351c}, {"cs8n3p08", 0x7306351c}, {"ct0n0g04", 0xc6bd1a35},
    {"ct1n0g04", 0xc6bd1a35}, {"cten0g04", 0x908fd2b2}, {"ctfn0g04", 0x7f7a43a7},
    {"ctgn0g04", 0x0ad1d3d6}, {"cthn0g04", 0xc461c896}, {"ctjn0g04", 0x55390861},
    {"ctzn0g04", 0xc6bd1a35}, {"f00n0g08", 0x3f6b9bc5}, {"f00n2c08", 0x3f1d66ad},
    {"f01n0g08", 0x0ff89d6c}, {"f01n2c08", 0x11c1b27e}, {"f02n0g08", 0xa86b4c1d},
    {"f02n2c08", 0x7f1ca785}, {"f03n0g08", 0x66de99f1}, {"f03n2c08", 0x31645d89},
    {"f04n0g08", 0xf655bb7d}, {"f04n2c08", 0x77056a6f}, {"f99n0g04", 0xd3026ad9},
    {"g03n0g16", 0xfb007f12}, {"g03n2c08", 0x3633021f}, {"g03n3p04", 0x7e90c30c},
    {"g04n0g16", 0x4ed1b0ae}, {"g04n2c08", 0xae824f12}, {"g04n3p04", 0xe00f20f2},
    {"g05n0g16", 0x5e9dccd2}, {"g05n2c08", 0x3c168b7d}, {"g05n3p04", 0xd0d3c65b},
    {"g07n0g16", 0xef487e13}, {"g07n2c08", 0x6d9b8873}, {"g07n3p04", 0x6f2e7b73},
    {"g10n0g16", 0xd03e6bc3}, {"g10n2c08", 0xfa142827}, {"g10n3p04", 0x25aeef89},
    {"g25n0g16", 0x252f094b}, {"g25n2c08", 0xe5914131}, {"g25n3p04", 0x71c1b931},
    {"oi1n0g16", 0xb0030af3}, {"oi1n2c16", 0xf8f7d651}, {"oi2n0g16", 0xb0030af3},
    {"oi2n2c16", 0xf8f7d651}, {"oi4n0g16", 0xb0030af3}, {"oi4n2c16", 0xf8f7d651},
    {"oi9n0g16", 0xb0030af3}, {"oi9n2c16", 0xf8f7d651}, {"pp0n2c16", 0xf8f7d651},
    {"pp0n6a08", 0xcacd6863}, {"ps1n0g08", 0x7e0a8ab4}, {"ps1n2c16", 0xf8f7d651},
    {"ps2n0g08", 0x7e0a8ab4}, {"ps2n2c16", 0xf8f7d651}, {"s01i3p01", 0xd243369f},
    {"s01n3p01", 0xd243369f}, {"s02i3p01", 0x9e931d85}, {"s02n3p01", 0x9e931d85},
    {"s03i3p01", 0x6916380e}, {"s03n3p01", 0x6916380e}, {"s04i3p01", 0xc2e0d49b},
    {"s04n3p01", 0xc2e0d49b}, {"s05i3p02", 0x1242b6fb}, {"s05n3p02", 0x1242b6fb},
    {"s06i3p02", 0xd7589540}, {"s06n3p02", 0xd7589540}, {"s07i3p02", 0xd2ccf489},
    {"s07n3p02", 0xd2ccf489}, {"s08i3p02", 0x2ba1b03e}, {"s08n3p02", 0x2ba1b03e},
    {"s09i3p02", 0x9762d2ed}, {"s09n3p02", 0x9762d2ed}, {"s32i3p04", 0xad01f44d},
    {"s32n3p04", 0xad01f44d}, {"s33i3p04", 0xd2f4ae68}, {"s33n3p04", 0xd2f4ae68},
    {"s34i3p04", 0xbbeda3f7}, {"s34n3p04", 0xbbeda3f7}, {"s35i3p04", 0x99293acf},
    {"s35n3p04", 0x99293acf}, {"s36i3p04", 0xf51a96e0}, {"s36n3p04", 0xf51a96e0},
    {"s37i3p04", 0x920758a4}, {"s37n3p04", 0x920758a4}, {"s38i3p04", 0xeb3bf324},
    {"s38n3p04", 0xeb3bf324}, {"s39i3p04", 0xc06d7da1}, {"s39n3p04", 0xc06d7da1},
    {"s40i3p04", 0x0d4658a0}, {"s40n3p04", 0x0d4658a0}, {"tbbn0g04", 0x1791a91d},
    {"tbbn2c16", 0xe519cff0}, {"tbbn3p08", 0x44764e96}, {"tbgn2c16", 0xe519cff0},
    {"tbgn3p08", 0x44764e96}, {"tbrn2c08", 0xe519cff0}, {"tbwn0g16", 0x40fa4d92},
    {"tbwn3p08", 0x44764e96}, {"tbyn3p08", 0x44764e96}, {"tm3n3p02", 0x04f0f738},
    {"tp0n0g08", 0xdfa9515c}, {"tp0n2c08", 0xb426b350}, {"tp0n3p08", 0x15493236},
    {"tp1n3p08", 0x44764e96}, {"z00n2c08", 0xf8f7d651}, {"z03n2c08", 0xf8f7d651},
    {"z06n2c08", 0xf8f7d651}, {"z09n2c08", 0xf8f7d651},
};

TEST(ImageFiles, EveryValidPngIsExact) {
  const fs::path data = data_dir() / "images/pngsuite";
  if (!fs::exists(data)) GTEST_SKIP() << kNoData;
  size_t compared = 0;
  for (const std::string& name : files_below(data)) {
    if (!name.ends_with(".png") || name.starts_with("x")) continue;
    const auto expected = kPngSuite.find(name.substr(0, name.size() - 4));
    ASSERT_NE(expected, kPngSuite.end()) << name;
    EXPECT_EQ(crc_of(decoded(bytes_of(data / name), 3)), expected->second) << name;
    ++compared;
  }
  EXPECT_EQ(compared, kPngSuite.size());
}

TEST(ImageFiles, EveryDamagedPngIsNamed) {
  const fs::path data = data_dir() / "images/pngsuite";
  if (!fs::exists(data)) GTEST_SKIP() << kNoData;
  const std::string signature = "this is a PNG file with a damaged signature";
  const std::map<std::string, std::string> expected = {
      {"xc1n0g08", "Invalid color type in IHDR"},
      {"xc9n2c08", "Invalid color type in IHDR"},
      {"xcrn0g04", signature},
      {"xcsn0g01", "the PNG file is damaged: IDAT: CRC error"},
      {"xd0n2c08", "Invalid color type/bit depth combination in IHDR"},
      {"xd3n2c08", "Invalid color type/bit depth combination in IHDR"},
      {"xd9n2c08", "Invalid bit depth in IHDR"},
      {"xdtn0g01", "it has no pixels (no chunk IDAT)"},
      {"xhdn0g08", "the PNG file is damaged: IHDR: CRC error"},
      {"xlfn0g04", signature},
      {"xs1n0g01", signature},
      {"xs2n0g01", "this is not a JPEG, PNG or WebP file; it begins with the bytes 89 51 4e 47"},
      {"xs4n0g01", signature},
      {"xs7n0g01", signature}};
  std::set<std::string> seen;
  for (const std::string& name : files_below(data)) {
    if (!name.starts_with("x")) continue;
    const std::string key = name.substr(0, name.size() - 4);
    ASSERT_EQ(expected.count(key), 1U) << name;
    EXPECT_NE(message_of([&] { decoded(bytes_of(data / name), 3); }).find(expected.at(key)),
              std::string::npos)
        << name;
    seen.insert(key);
  }
  EXPECT_EQ(seen.size(), expected.size());
}

// The checksums are of Pillow's pixels. They do not depend on the processor: the SIMD code of
// libjpeg-turbo and its plain code have the same results.
TEST(ImageFiles, PhotographsEqualPillow) {
  const fs::path data = data_dir() / "ants-bees";
  if (!fs::exists(data)) GTEST_SKIP() << kNoData;
  uint32_t colour = 0, grey = 0;
  Image image;
  const std::vector<std::string> names = files_below(data);
  for (const std::string& name : names) {
    const auto file = bytes_of(data / name);
    decode_image(file, 3, image);
    EXPECT_EQ(read_image_header(file).shape, image.shape) << name;
    colour = crc_of(image, colour);
    decode_image(file, 1, image);
    grey = crc_of(image, grey);
  }
  EXPECT_EQ(names.size(), 397U);
  EXPECT_EQ(colour, 0xef90f8f6U);
  EXPECT_EQ(grey, 0x39383b71U);
}

TEST(ImageFiles, GreyAndColourAreConverted) {
  const auto colour = make_jpeg({});
  const Image rgb = decoded(colour, 3), luma = decoded(colour, 1);
  ASSERT_EQ(rgb.shape, (Shape{24, 40, 3}));
  ASSERT_EQ(luma.shape, (Shape{24, 40, 1}));
  for (size_t i = 0; i < luma.pixels.size(); ++i) {
    const uint32_t r = rgb.pixels[3 * i], g = rgb.pixels[3 * i + 1], b = rgb.pixels[3 * i + 2];
    ASSERT_EQ(luma.pixels[i], (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
  }
  const auto grey =
      make_jpeg({.components = 1, .stored = JCS_GRAYSCALE, .horizontal = 1, .vertical = 1});
  const Image three = decoded(grey, 3), one = decoded(grey, 1);
  ASSERT_EQ(read_image_header(grey).shape, (Shape{24, 40, 1}));
  for (size_t i = 0; i < three.pixels.size(); ++i) ASSERT_EQ(three.pixels[i], one.pixels[i / 3]);
  EXPECT_EQ(message_of([&] { decoded(grey, 4); }),
            "an image can be decoded to 1 or 3 channels, not to 4");
}

TEST(ImageFiles, MemoryIsReused) {
  Image image;
  decode_image(make_jpeg({.height = 64, .width = 64}), 3, image);
  const uint8_t* memory = image.pixels.data();
  decode_image(make_jpeg({.height = 30, .width = 50}), 3, image);
  EXPECT_EQ(image.shape, (Shape{30, 50, 3}));
  EXPECT_EQ(image.pixels.size(), 4500U);
  EXPECT_EQ(image.pixels.data(), memory);
}

TEST(ImageFiles, OtherFilesAreNamed) {
  const auto message = [](const std::string& start) {
    const std::string padded = start + std::string(40, '\1');
    const std::vector<uint8_t> file(padded.begin(), padded.end());
    EXPECT_FALSE(encoding_of(file));
    return message_of([&] { read_image_header(file); });
  };
  EXPECT_EQ(message("GIF89a"), "this is a GIF file, expected JPEG, PNG or WebP");
  EXPECT_EQ(message("BM1234"), "this is a BMP file, expected JPEG, PNG or WebP");
  EXPECT_EQ(message({"II*\0", 4}), "this is a TIFF file, expected JPEG, PNG or WebP");
  EXPECT_EQ(message("....ftypavif"), "this is an AVIF file, expected JPEG, PNG or WebP");
  EXPECT_EQ(message("....ftypheic"), "this is a HEIF file, expected JPEG, PNG or WebP");
  EXPECT_EQ(message("<!DOCTYPE HTML>"), "this is a web page (HTML), expected JPEG, PNG or WebP");
  EXPECT_EQ(
      message("hello"),
      "this is not a JPEG, PNG or WebP file; it begins with the bytes 68 65 6c 6c 6f 01 01 01");
  EXPECT_EQ(message_of([] { read_image_header({}); }),
            "the file is empty, expected JPEG, PNG or WebP");
}

}  // namespace
}  // namespace d2l::data::test
