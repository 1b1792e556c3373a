#include "data/formats/jpeg_rows.h"

#include <algorithm>

#include "data/formats/jpeg.h"
#include "data/formats/jpeg_baseline.h"
#include "framework/base/error.h"
#include "tests/data/image_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

// All coefficients of all components.
std::vector<int16_t> coefficients_of(const Bytes& file) {
  JpegDecompressor decompressor(file);
  jpeg_decompress_struct& info = decompressor.info();
  jvirt_barray_ptr* arrays = nullptr;
  decompressor.run([&] {
    jpeg_read_header(&info, TRUE);
    arrays = jpeg_read_coefficients(&info);
  });
  std::vector<int16_t> all;
  for (int component = 0; component < info.num_components; ++component) {
    const jpeg_component_info& part = info.comp_info[component];
    for (JDIMENSION row = 0; row < part.height_in_blocks; ++row) {
      JBLOCKARRAY blocks = nullptr;
      decompressor.run([&] {
        blocks = info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info),
                                              arrays[component], row, 1, FALSE);
      });
      all.insert(all.end(), blocks[0][0], blocks[0][0] + part.width_in_blocks * size_t{64});
    }
  }
  return all;
}

// Checks a file that can be rewritten.
void expect_same_image(const Bytes& file, const Bytes& indexed, const std::string& name) {
  ASSERT_EQ(coefficients_of(indexed), coefficients_of(file)) << name;
  const Image before = decoded(file, 3), after = decoded(indexed, 3);
  ASSERT_EQ(after.shape, before.shape) << name;
  ASSERT_EQ(after.pixels, before.pixels) << name;
  ASSERT_EQ(read_image_header(indexed).shape, read_image_header(file).shape) << name;
  JpegDecompressor decompressor(indexed);
  const JpegHeader header = read_jpeg_header(decompressor);
  ASSERT_FALSE(header.progressive) << name;
  ASSERT_GT(header.restart_interval, 0) << name;
}

TEST(IndexJpeg, KeepsEveryCoefficientAndPixelOfPhotographs) {
  const fs::path data = data_dir() / "ants-bees";
  if (!fs::exists(data)) GTEST_SKIP() << kNoData;
  size_t files = 0, before = 0, after = 0;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    if (entry.path().extension() != ".jpg") continue;
    const Bytes file = bytes_of(entry.path());
    const IndexedJpeg indexed = index_jpeg(file);
    ASSERT_EQ(indexed.reason, "") << entry.path();
    ++files;
    before += file.size();
    after += indexed.bytes.size();
    // reading all of them takes long
    if (files % 5 == 0) expect_same_image(file, indexed.bytes, entry.path().string());
    ASSERT_TRUE(parse_baseline_jpeg(indexed.bytes).has_value()) << entry.path();
  }
  EXPECT_EQ(files, 396U);
  EXPECT_LT(static_cast<double>(after), 1.01 * static_cast<double>(before));
}

TEST(IndexJpeg, KeepsOrReturnsEveryValidFile) {
  const fs::path data = data_dir() / "images/jpeg_valid";
  if (!fs::exists(data)) GTEST_SKIP() << kNoData;
  std::vector<std::string> left;
  int rewritten = 0;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    if (entry.path().extension() != ".jpg") continue;
    const Bytes file = bytes_of(entry.path());
    const IndexedJpeg indexed = index_jpeg(file);
    if (indexed.reason.empty()) {
      ++rewritten;
      expect_same_image(file, indexed.bytes, entry.path().string());
    } else {
      EXPECT_EQ(indexed.bytes, file) << entry.path();
      left.push_back(entry.path().filename().string() + ": " + indexed.reason);
    }
  }
  std::sort(left.begin(), left.end());
  const std::string four = ": it has four colour components";
  EXPECT_EQ(
      left,
      (std::vector<std::string>{
          "jpeg_lossless_sel1.jpg: lossless JPEG (frame type 0xc3) is not supported",
          "jpg-cmyk-1.jpg" + four, "jpg-cmyk-2.jpg" + four,
          // a PNG file
          "jpg-size-6x6.jpg: the JPEG file is damaged: Not a JPEG file: starts with 0x89 0x50",
          "progressive-missing-ac.jpg: progressive scans are missing",
          "progressive-missing-dc.jpg: progressive scans are missing", "ycck.jpg" + four}));
  EXPECT_GT(rewritten, 25);
}

TEST(IndexJpeg, RewritesAllSamplingFactorsAndOrientations) {
  for (const auto& [horizontal, vertical] : {std::pair{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}})
    for (const bool progressive : {false, true})
      for (int orientation = 1; orientation <= 8; ++orientation) {
        const Bytes plain = make_jpeg({.height = 77,
                                       .width = 150,
                                       .horizontal = horizontal,
                                       .vertical = vertical,
                                       .progressive = progressive});
        const Bytes file = with_exif(plain, exif_data(orientation, orientation % 2 == 0));
        const IndexedJpeg indexed = index_jpeg(file);
        ASSERT_EQ(indexed.reason, "");
        expect_same_image(file, indexed.bytes, concat(horizontal, " x ", vertical));
        const auto header = parse_baseline_jpeg(indexed.bytes);
        ASSERT_TRUE(header.has_value());
        EXPECT_EQ(header->orientation, orientation_from(orientation));
        EXPECT_EQ(header->restart_interval, 8 / horizontal);
      }
}

TEST(IndexJpeg, LeavesOtherFilesAsTheyAre) {
  const Bytes cmyk =
      make_jpeg({.components = 4, .stored = JCS_CMYK, .horizontal = 1, .vertical = 1});
  EXPECT_EQ(index_jpeg(cmyk).reason, "it has four colour components");
  EXPECT_EQ(index_jpeg(cmyk).bytes, cmyk);
  Bytes truncated = make_jpeg({.height = 64, .width = 64});
  truncated.resize(truncated.size() * 3 / 4);
  EXPECT_NE(index_jpeg(truncated).reason.find("truncated"), std::string::npos);
  EXPECT_EQ(index_jpeg(truncated).bytes, truncated);
  EXPECT_NE(index_jpeg(Bytes(100, 7)).reason, "");
  EXPECT_NE(index_jpeg({}).reason, "");

  // without the last scans of a progressive file, a decoder smooths the image
  Bytes progressive = make_jpeg({.height = 64, .width = 64, .progressive = true});
  const Bytes scan{0xFF, 0xDA};
  const auto last = std::find_end(progressive.begin(), progressive.end(), scan.begin(), scan.end());
  progressive.erase(last, progressive.end() - 2);
  EXPECT_NO_THROW(decoded(progressive, 3));
  EXPECT_EQ(index_jpeg(progressive).reason, "progressive scans are missing");
  EXPECT_EQ(index_jpeg(progressive).bytes, progressive);
}

}  // namespace
}  // namespace d2l::data::test
