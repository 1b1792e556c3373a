#include "data/formats/jpeg_planes.h"

#include <algorithm>
#include <optional>

#include "data/formats/jpeg_rows.h"
#include "data/transform/view.h"
#include "framework/base/error.h"
#include "tests/data/image_support.h"
#include "tests/data/mutation.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

// The first component as libjpeg-turbo decodes it.
Image luma_of(const Bytes& file) {
  JpegDecompressor decompressor(file);
  jpeg_decompress_struct& info = decompressor.info();
  Image image;
  decompressor.run([&] {
    jpeg_read_header(&info, TRUE);
    info.out_color_space = JCS_GRAYSCALE;
    jpeg_start_decompress(&info);
  });
  image.shape = {info.output_height, info.output_width, 1};
  image.pixels.resize(static_cast<size_t>(image.shape.elements()));
  decompressor.run([&] {
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = image.pixels.data() + size_t{info.output_scanline} * info.output_width;
      jpeg_read_scanlines(&info, &row, 1);
    }
  });
  return image;
}

// The mean of a square of luma samples, as far as it is in the image. Nothing if one may have been
// outside the range before it was rounded: averages are of such values.
std::optional<double> mean_of(const Image& image, int64_t x, int64_t y, int64_t size) {
  double sum = 0;
  int64_t count = 0;
  for (int64_t v = y; v < std::min(y + size, image.shape[0]); ++v)
    for (int64_t u = x; u < std::min(x + size, image.shape[1]); ++u, ++count) {
      const uint8_t luma = image.pixels[static_cast<size_t>(v * image.shape[1] + u)];
      if (size > 1 && (luma == 0 || luma == 255)) return std::nullopt;
      sum += luma;
    }
  return sum / static_cast<double>(count);
}

void expect_luma(const Bytes& file, const PixelArea& area, int shift, PlaneDecoder& decoder) {
  const auto jpeg = parse_baseline_jpeg(file);
  ASSERT_TRUE(jpeg.has_value());
  ASSERT_TRUE(decoder.decode(*jpeg, file, area, {{{true, shift}, {false, 0}, {false, 0}}}));
  const ColourPlane& plane = decoder.plane(0);
  const Image luma = luma_of(file);
  const int64_t size = int64_t{1} << shift;
  ASSERT_EQ(plane.full_height, (luma.shape[0] + size - 1) / size);
  ASSERT_EQ(plane.full_width, (luma.shape[1] + size - 1) / size);
  for (int64_t x = area.left / size; x < area.right / size; ++x)
    for (int64_t y = area.top / size; y < area.bottom / size; ++y) {
      if (const auto mean = mean_of(luma, x * size, y * size, size)) {
        ASSERT_NEAR(plane.column(x)[y], *mean, 1.01) << x << ' ' << y << ' ' << shift;
      }
    }
}

TEST(JpegPlanes, AreThoseOfLibjpeg) {
  const fs::path data = data_dir() / "ants-bees/val/ants";
  if (!fs::exists(data)) GTEST_SKIP() << kNoData;
  PlaneDecoder decoder;
  int files = 0;
  for (const auto& entry : fs::directory_iterator(data)) {
    if (entry.path().extension() != ".jpg" || ++files % 12 != 0) continue;
    const Bytes file = bytes_of(entry.path()), indexed = index_jpeg(file).bytes;
    if (!parse_baseline_jpeg(file)) continue;
    for (int shift = 0; shift <= 3; ++shift)
      for (const Bytes& form : {file, indexed})
        for (const PixelArea& area : {PixelArea{0, 0, 200, 200}, PixelArea{101, 203, 160, 300},
                                      PixelArea{8, 64, 16, 128}, PixelArea{90, 7, 91, 8}})
          expect_luma(form, area, shift, decoder);
  }
  EXPECT_EQ(files, 70);
}

// Where the entropy-coded segments of a file with restart markers begin; the last is the end.
std::vector<size_t> segments_of(const Bytes& file) {
  std::vector<size_t> places{parse_baseline_jpeg(file)->scan};
  for (size_t i = places[0]; i + 1 < file.size(); ++i)
    if (file[i] == 0xFF && file[i + 1] >= 0xD0 && file[i + 1] <= 0xD9) places.push_back(i + 2);
  return places;
}

// The message for a view of a file that may be damaged; empty if there is none.
std::string error_of(const Bytes& file, const ImageView& view) {
  Bytes result(static_cast<size_t>(view.height * view.width * 3));
  try {
    ViewReader().read({Encoding::jpeg, file, {64, 192, 3}, 0}, view, 3, result.data());
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(JpegPlanes, DamagedSegmentsAreErrorsWhereTheyAreRead) {
  const Bytes file =
      index_jpeg(make_jpeg({.height = 64, .width = 192, .horizontal = 1, .vertical = 1})).bytes;
  const std::vector<size_t> segments = segments_of(file);
  ASSERT_EQ(segments.size(), 25U);  // 8 rows of 3, and the end
  const ImageView view{8, 64, 56, 128, 10, 10, Filter::bilinear, true, false};
  ASSERT_NO_THROW(decoded(file, 3));
  for (size_t segment = 0; segment + 1 < segments.size(); ++segment) {
    const bool read = segment % 3 == 1 && segment / 3 >= 1 && segment / 3 < 7;
    const size_t end = segments[segment + 1] - 2;
    Bytes longer = file, shorter = file, marker = file, filled = file;
    longer.insert(longer.begin() + static_cast<std::ptrdiff_t>(end), 0x12);
    shorter.erase(shorter.begin() + static_cast<std::ptrdiff_t>(end) - 3,
                  shorter.begin() + static_cast<std::ptrdiff_t>(end));
    std::fill(filled.begin() + static_cast<std::ptrdiff_t>(segments[segment]),
              filled.begin() + static_cast<std::ptrdiff_t>(end), 0xFE);
    EXPECT_EQ(!error_of(longer, view).empty(), read) << segment;
    EXPECT_EQ(!error_of(shorter, view).empty(), read) << segment;
    EXPECT_EQ(!error_of(filled, view).empty(), read) << segment;
    // the numbers of all markers before the end of the view are checked
    marker[end + 1] = static_cast<uint8_t>(marker[end + 1] ^ 1);
    EXPECT_EQ(!error_of(marker, view).empty(), segment <= 19) << segment;
  }
}

void try_view(const Bytes& file, int& refused) {
  const Bytes exact(file.begin(), file.end());  // no room after the end
  const std::string message =
      error_of(exact, {3, 60, 50.5, 130, 20, 30, Filter::bilinear, false, true});
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
  refused += message.empty() ? 0 : 1;
}

TEST(JpegPlanes, DamagedFilesAreErrorsOrImages) {
  for (const bool indexed : {false, true})
    for (const int sampling : {1, 2}) {
      const Bytes original =
          make_jpeg({.height = 64, .width = 192, .horizontal = sampling, .vertical = sampling});
      const Bytes file = indexed ? index_jpeg(original).bytes : original;
      int refused = 0;
      for (size_t size = 0; size < file.size() / 2; ++size)
        try_view({file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)}, refused);
      EXPECT_EQ(refused, file.size() / 2);
      refused = 0;
      for (uint64_t round = 0; round < 5000; ++round) try_view(mutate(file, round), refused);
      EXPECT_GT(refused, 1000);
      EXPECT_LT(refused, 4990);
    }
}

}  // namespace
}  // namespace d2l::data::test
