#include "data/transform/view.h"

#include <algorithm>
#include <cmath>

#include "data/formats/image.h"
#include "data/formats/jpeg_rows.h"
#include "framework/base/error.h"
#include "tests/data/image_support.h"

namespace d2l::data::test {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

Bytes view_of(const Sample& sample, const ImageView& view, int64_t channels) {
  Bytes result(static_cast<size_t>(view.height * view.width * channels), 77);
  ViewReader().read(sample, view, channels, result.data());
  return result;
}

// The image for which Pillow gave the sums below.
Bytes pattern(const Shape& shape) {
  Bytes bytes(static_cast<size_t>(shape.elements()));
  for (uint64_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>((i * i * 31 + i * 7919) % 257 % 256);
  return bytes;
}

uint64_t sum_of(const Bytes& result) {
  uint64_t sum = 0;
  for (size_t i = 0; i < result.size(); ++i) sum += (i % 1009 + 1) * result[i];
  return sum;
}

struct PillowCase {
  Shape image;
  ImageView view;
  uint64_t sum, sum_if_clipped;
};

// Pillow 12.3.0. The first sum is that of image.resize(size, filter, box); the second that of the
// same for image.crop() of the pixels that the box touches.
const PillowCase kPillow[] = {
    {{60, 80, 3}, {7.25, 3.5, 55.5, 70.75, 33, 41, Filter::nearest}, 258688803, 258688803},
    {{60, 80, 3}, {7.25, 3.5, 55.5, 70.75, 33, 41, Filter::box}, 260119674, 260119674},
    {{60, 80, 3}, {7.25, 3.5, 55.5, 70.75, 33, 41, Filter::bilinear}, 259012068, 259019000},
    {{60, 80, 3}, {7.25, 3.5, 55.5, 70.75, 33, 41, Filter::hamming}, 259055424, 259050953},
    {{60, 80, 3}, {7.25, 3.5, 55.5, 70.75, 33, 41, Filter::bicubic}, 259055813, 259057529},
    {{60, 80, 3}, {7.25, 3.5, 55.5, 70.75, 33, 41, Filter::lanczos}, 259132501, 259112108},
    {{60, 80, 3}, {10, 20, 40, 33, 64, 7, Filter::nearest}, 74045935, 74045935},
    {{60, 80, 3}, {10, 20, 40, 33, 64, 7, Filter::box}, 72977861, 72977861},
    {{60, 80, 3}, {10, 20, 40, 33, 64, 7, Filter::bilinear}, 72666596, 72644102},
    {{60, 80, 3}, {10, 20, 40, 33, 64, 7, Filter::hamming}, 72903579, 72896840},
    {{60, 80, 3}, {10, 20, 40, 33, 64, 7, Filter::bicubic}, 72557933, 72608964},
    {{60, 80, 3}, {10, 20, 40, 33, 64, 7, Filter::lanczos}, 72432173, 72548576},
    {{50, 31, 1}, {0.5, 0, 49.75, 31, 17, 90, Filter::nearest}, 81644905, 81644905},
    {{50, 31, 1}, {0.5, 0, 49.75, 31, 17, 90, Filter::box}, 83002405, 83002405},
    {{50, 31, 1}, {0.5, 0, 49.75, 31, 17, 90, Filter::bilinear}, 82544039, 82544039},
    {{50, 31, 1}, {0.5, 0, 49.75, 31, 17, 90, Filter::hamming}, 82725414, 82725414},
    {{50, 31, 1}, {0.5, 0, 49.75, 31, 17, 90, Filter::bicubic}, 82599173, 82599173},
    {{50, 31, 1}, {0.5, 0, 49.75, 31, 17, 90, Filter::lanczos}, 82574059, 82574059},
    {{40, 30, 3}, {0, 0, 40, 30, 40, 30, Filter::lanczos}, 216271342, 216271342},
    {{9, 9, 1}, {4, 4, 5, 5, 5, 3, Filter::nearest}, 16200, 16200},
    {{9, 9, 1}, {4, 4, 5, 5, 5, 3, Filter::box}, 16200, 16200},
    {{9, 9, 1}, {4, 4, 5, 5, 5, 3, Filter::bilinear}, 13589, 16200},
    {{9, 9, 1}, {4, 4, 5, 5, 5, 3, Filter::hamming}, 14669, 16200},
    {{9, 9, 1}, {4, 4, 5, 5, 5, 3, Filter::bicubic}, 13946, 16200},
    {{9, 9, 1}, {4, 4, 5, 5, 5, 3, Filter::lanczos}, 13872, 16200},
    {{200, 150, 3}, {1.125, 2.25, 190.5, 149.5, 21, 13, Filter::nearest}, 43725024, 43725024},
    {{200, 150, 3}, {1.125, 2.25, 190.5, 149.5, 21, 13, Filter::box}, 42672497, 42672497},
    {{200, 150, 3}, {1.125, 2.25, 190.5, 149.5, 21, 13, Filter::bilinear}, 42654991, 42659471},
    {{200, 150, 3}, {1.125, 2.25, 190.5, 149.5, 21, 13, Filter::hamming}, 42643660, 42647433},
    {{200, 150, 3}, {1.125, 2.25, 190.5, 149.5, 21, 13, Filter::bicubic}, 42655635, 42665899},
    {{200, 150, 3}, {1.125, 2.25, 190.5, 149.5, 21, 13, Filter::lanczos}, 42658502, 42656789},
};

TEST(View, OfPixelsHasPillowsBytes) {
  for (const PillowCase& c : kPillow) {
    const Bytes image = pattern(c.image);
    const Sample sample{Encoding::pixels, image, c.image, 0};
    ImageView view = c.view;
    view.clipped = false;
    EXPECT_EQ(sum_of(view_of(sample, view, c.image[2])), c.sum) << to_string(view.filter);
    view.clipped = true;
    EXPECT_EQ(sum_of(view_of(sample, view, c.image[2])), c.sum_if_clipped)
        << to_string(view.filter) << c.image;
  }
}

TEST(View, MirrorsAndConvertsPixels) {
  const Bytes image{1, 2, 3, 4, 5, 6};
  ImageView view{0, 0, 2, 3, 2, 3, Filter::bilinear, true, true};
  EXPECT_EQ(view_of({Encoding::pixels, image, {2, 3, 1}, 0}, view, 1), (Bytes{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(view_of({Encoding::pixels, image, {2, 3, 1}, 0}, view, 3),
            (Bytes{3, 3, 3, 2, 2, 2, 1, 1, 1, 6, 6, 6, 5, 5, 5, 4, 4, 4}));
  view = {0, 0, 1, 2, 1, 2, Filter::nearest, true, true};
  EXPECT_EQ(view_of({Encoding::pixels, image, {1, 2, 3}, 0}, view, 3), (Bytes{4, 5, 6, 1, 2, 3}));
  view.mirrored = false;
  // 0.299 R + 0.587 G + 0.114 B
  EXPECT_EQ(view_of({Encoding::pixels, image, {1, 2, 3}, 0}, view, 1), (Bytes{2, 5}));
}

double mean_difference(const Bytes& a, const Bytes& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

// A random view of a part of an image.
ImageView random_view(const Shape& image, uint64_t round, int64_t most) {
  const RngKey key{round, stream_of("view")};
  const auto below = [&](uint64_t index, int64_t bound) {
    return static_cast<int64_t>(random_below(key, index, static_cast<uint64_t>(bound)));
  };
  ImageView view;
  const int64_t top = below(0, image[0]), left = below(1, image[1]);
  view.top = static_cast<double>(top);
  view.left = static_cast<double>(left);
  view.bottom = view.top + 1 + static_cast<double>(below(2, image[0] - top));
  view.right = view.left + 1 + static_cast<double>(below(3, image[1] - left));
  if (round % 5 == 0) view = {0, 0, static_cast<double>(image[0]), static_cast<double>(image[1])};
  if (round % 3 == 0 && view.bottom - view.top > 2) view.top += 0.375, view.bottom -= 0.25;
  view.height = 1 + below(4, most);
  view.width = 1 + below(5, most);
  view.filter = static_cast<Filter>(1 + below(6, 5));  // nearest: see below
  view.clipped = below(7, 2) == 0;
  view.mirrored = below(8, 2) == 0;
  return view;
}

// The same view of the decoded image.
Bytes exact_view(const Bytes& file, const ImageView& view, int64_t channels) {
  const Image image = decoded(file, channels);
  return view_of({Encoding::pixels, image.pixels, image.shape, 0}, view, channels);
}

void expect_close(const Bytes& file, int64_t most, uint64_t rounds, double bound) {
  const Shape shape = read_image_header(file).shape;
  const int64_t channels = rounds % 2 == 0 ? 3 : shape[2];
  for (uint64_t round = 0; round < rounds; ++round) {
    const ImageView view = random_view(shape, round, most);
    const Bytes found = view_of({Encoding::jpeg, file, shape, 0}, view, channels);
    ASSERT_LT(mean_difference(found, exact_view(file, view, channels)), bound)
        << shape << ' ' << view.top << ' ' << view.left << ' ' << view.bottom << ' ' << view.right
        << ' ' << view.height << ' ' << view.width << ' ' << to_string(view.filter)
        << (view.clipped ? " clipped" : "") << (view.mirrored ? " mirrored" : "");
  }
}

TEST(View, OfJpegIsThatOfTheDecodedImage) {
  for (const int components : {1, 3})
    for (const auto& [horizontal, vertical] : {std::pair{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}})
      for (const auto& [height, width] : {std::pair{61, 83}, {96, 64}, {17, 130}, {1, 1}, {7, 9}})
        for (const int interval : {0, 1, 3}) {
          if (components == 1 && horizontal + vertical > 2) continue;
          const Bytes file = make_jpeg({.height = height,
                                        .width = width,
                                        .components = components,
                                        .stored = components == 1 ? JCS_GRAYSCALE : JCS_YCbCr,
                                        .horizontal = horizontal,
                                        .vertical = vertical,
                                        .restart_interval = interval});
          // libjpeg-turbo mixes the chroma of neighbours, which differ much in a tiny picture
          expect_close(file, 70, 21, height < 10 ? 4.0 : 2.0);
        }
}

TEST(View, AppliesTheOrientation) {
  for (const bool indexed : {false, true})
    for (int orientation = 1; orientation <= 8; ++orientation) {
      Bytes file = with_exif(make_jpeg({.height = 60, .width = 100}), exif_data(orientation, true));
      if (indexed) file = index_jpeg(file).bytes;
      expect_close(file, 90, 20, 2.0);
    }
}

TEST(View, NearestOfJpegReadsTheSamePixels) {
  const Bytes file = make_jpeg({.height = 61, .width = 83, .horizontal = 1, .vertical = 1});
  for (uint64_t round = 0; round < 30; ++round) {
    ImageView view = random_view({61, 83, 3}, round, 40);
    view.filter = Filter::nearest;
    const Bytes found = view_of({Encoding::jpeg, file, {61, 83, 3}, 0}, view, 3);
    const Bytes exact = exact_view(file, view, 3);
    for (size_t i = 0; i < found.size(); ++i) ASSERT_NEAR(found[i], exact[i], 3) << round;
  }
}

TEST(View, OfPhotographsIsCloseToThatOfTheDecodedImage) {
  const fs::path data = data_dir() / "ants-bees/val";
  if (!fs::exists(data)) GTEST_SKIP() << kNoData;
  ViewReader reader;
  int files = 0;
  double sum = 0, worst = 0;
  for (const auto& entry : fs::recursive_directory_iterator(data)) {
    if (entry.path().extension() != ".jpg" || ++files % 6 != 0) continue;
    const Bytes file = bytes_of(entry.path()), indexed = index_jpeg(file).bytes;
    const Shape shape = read_image_header(file).shape;
    for (uint64_t round = 0; round < 4; ++round) {
      ImageView view = random_view(shape, round + 10 * static_cast<uint64_t>(files), 1);
      view.height = view.width = 224;
      view.filter = Filter::bilinear;
      Bytes found(224 * 224 * 3), again(224 * 224 * 3);
      reader.read({Encoding::jpeg, file, shape, 0}, view, 3, found.data());
      reader.read({Encoding::jpeg, indexed, shape, 0}, view, 3, again.data());
      ASSERT_EQ(found, again) << entry.path();
      const double difference = mean_difference(found, exact_view(file, view, 3));
      sum += difference;
      worst = std::max(worst, difference);
    }
  }
  EXPECT_EQ(files, 153);
  EXPECT_LT(sum / 100, 0.7);  // 25 files
  EXPECT_LT(worst, 3);
}

TEST(View, ReadsAllEncodings) {
  const Bytes progressive = make_jpeg({.height = 40, .width = 60, .progressive = true});
  const Bytes cmyk = make_jpeg({.height = 40,
                                .width = 60,
                                .components = 4,
                                .stored = JCS_CMYK,
                                .horizontal = 1,
                                .vertical = 1});
  const Bytes png =
      make_png({.height = 2, .width = 2, .rows = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2}});
  const ImageView view{0, 0, 2, 2, 2, 2, Filter::bilinear, true, true};
  for (const Bytes& file : {progressive, cmyk})
    EXPECT_EQ(view_of({Encoding::jpeg, file, {40, 60, 3}, 0}, view, 3), exact_view(file, view, 3));
  EXPECT_EQ(view_of({Encoding::png, png, {2, 2, 3}, 0}, view, 3),
            (Bytes{6, 5, 4, 9, 8, 7, 0, 1, 2, 3, 2, 1}));
}

TEST(View, RefusesWhatDoesNotFit) {
  const Bytes file = make_jpeg({.height = 24, .width = 40});
  const Sample sample{Encoding::jpeg, file, {24, 40, 3}, 0};
  const auto message = [&](const Sample& of, const ImageView& view, int64_t channels = 3) {
    return message_of([&] { view_of(of, view, channels); });
  };
  EXPECT_EQ(
      message(sample, {0, 0, 24.5, 40, 8, 8}),
      "expected a view inside an image of [24, 40, 3], found rows 0 to 24.5, columns 0 to 40");
  EXPECT_NE(message(sample, {-1, 0, 24, 40, 8, 8}), "");
  EXPECT_NE(message(sample, {3, 0, 3, 40, 8, 8}), "");
  EXPECT_NE(message(sample, {std::nan(""), 0, 3, 40, 8, 8}), "");
  EXPECT_EQ(message(sample, {0, 0, 24, 40, 0, 8}), "expected a view with pixels, found 0 x 8");
  EXPECT_EQ(message(sample, {0, 0, 24, 40, 8, 8}, 2), "a view has 1 or 3 channels, not 2");
  EXPECT_EQ(message({Encoding::jpeg, file, {40, 24, 3}, 0}, {0, 0, 24, 24, 8, 8}),
            "expected an image of [40, 24, 3], found [24, 40, 3]");
  EXPECT_EQ(message({Encoding::jpeg, file, {24, 40, 1}, 0}, {0, 0, 24, 24, 8, 8}),
            "expected an image of [24, 40, 1], found [24, 40, 3]");
  EXPECT_EQ(message({Encoding::pixels, file, {24, 40, 3}, 0}, {0, 0, 24, 24, 8, 8}),
            concat("expected 2880 bytes of pixels, found ", file.size()));
}

TEST(Filter, NamesAreThoseOfPillow) {
  for (const Filter filter : {Filter::nearest, Filter::box, Filter::bilinear, Filter::hamming,
                              Filter::bicubic, Filter::lanczos})
    EXPECT_EQ(filter_from(to_string(filter)), filter);
  EXPECT_EQ(message_of([] { filter_from("cubic"); }),
            "expected a filter (nearest, box, bilinear, hamming, bicubic, lanczos), found 'cubic'");
}

}  // namespace
}  // namespace d2l::data::test
