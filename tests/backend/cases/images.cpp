#include <algorithm>

#include "tests/backend/cases/plain_images.h"

namespace d2l::test {
namespace {

// All comparisons are exact: windows are functions of whole numbers, values two divisions.
// image_colours.cpp has the changes of colours.

TEST(Images, AreWhatTheLoopSays) {
  for (DType dtype : floats())
    for (const Shape& shape :
         {Shape{3, 5, 7, 3}, Shape{7, 5, 6, 3}, Shape{2, 28, 28, 1}, Shape{3, 28, 28, 1},
          Shape{2, 33, 40, 5}, Shape{1, 200, 190, 3}, Shape{5, 8, 8, 4}, Shape{9, 1, 1, 1},
          Shape{1, 3, 2, 11}, Shape{0, 4, 4, 3}})
      for (const Augmentation& augmentation : {Augmentation{0, 0, 0},
                                               {0, 0.5, 0},
                                               {0, 1, 0.4},
                                               {2, 0, 1.5},
                                               {3, 1, 0},
                                               {4, 0.5, 0.001},
                                               {9, 0.5, 1},
                                               {9, 0.7, 0}})
        for (bool normalised : {false, true}) {
          const ImageParams params{.augmentation = augmentation, .key = {11, 1ull << 40}};
          EXPECT_TRUE(agree<PlainImages>(
              {image_inputs(random_bytes(shape), shape[0], shape[3]), {unwritten(shape, dtype)}},
              [&, with = normalised](auto& on, const Inputs& in, const Outputs& out) {
                on.prepare_images(params, image_operands(in, with), out[0]);
              }))
              << shape << " " << augmentation.crop_padding << " " << augmentation.flip << " "
              << augmentation.brightness << " " << normalised;
        }
}

TEST(Images, AtAnyAddress) {
  const Shape shape{4, 6, 7, 3};
  for (DType dtype : floats())
    for (int64_t at : {0, 1, 4})
      for (bool normalised : {false, true})
        EXPECT_TRUE(agree<PlainImages>(
            {image_inputs(random_bytes({700}), 4, 3), {unwritten({700}, dtype)}},
            [&, with = normalised](auto& on, const Inputs& in, const Outputs& out) {
              Backend::ImageOperands all = image_operands(in, with);
              all.x = part(all.x, at, shape);
              on.prepare_images(ImageParams{}, all, part(out[0], at, shape));
            }))
            << at << " " << normalised;
}

// All places, all equally often; half of the images mirrored; one independent of the other.
TEST(Images, PlacesAreDrawnEvenly) {
  constexpr int64_t kSamples = 20000;
  Tensor x = zeros(host(), {kSamples, 5, 5, 1}, DType::u8);
  // One bright pixel, in the middle of row 2, next to a darker one.
  for (int64_t i = 0; i < kSamples; ++i) {
    x.data<uint8_t>()[25 * i + 12] = 255;
    x.data<uint8_t>()[25 * i + 13] = 51;
  }
  const std::vector<float> y =
      prepared({.augmentation = {.crop_padding = 2, .flip = 0.5}, .key = {1, 2}}, x,
               arange(host(), kSamples, DType::i64));
  std::vector<int> seen(25);
  int mirrored = 0, decided = 0;
  for (int64_t i = 0; i < kSamples; ++i) {
    const auto begin = y.begin() + 25 * i;
    const auto at = std::find(begin, begin + 25, 1.0f) - begin;
    ASSERT_LT(at, 25) << "the window left its image";
    ++seen[static_cast<size_t>(at)];
    if (at % 5 == 0 || at % 5 == 4) continue;
    ++decided;
    mirrored += *(begin + at - 1) == 0.2f;
  }
  for (int count : seen) EXPECT_NEAR(count, kSamples / 25, 130);  // 4.7 standard deviations
  EXPECT_NEAR(mirrored, decided / 2, 250);
}

// The same factor for a whole image, evenly drawn; nothing exceeds 1.
TEST(Images, BrightnessIsDrawnEvenly) {
  constexpr int64_t kSamples = 20000;
  Tensor x = zeros(host(), {kSamples, 1, 2, 1}, DType::u8);
  for (int64_t i = 0; i < kSamples; ++i) {
    x.data<uint8_t>()[2 * i] = 102;  // 0.4
    x.data<uint8_t>()[2 * i + 1] = 204;
  }
  const std::vector<float> y = prepared({.augmentation = {.brightness = 0.5}, .key = {1, 2}}, x,
                                        arange(host(), kSamples, DType::i64));
  std::vector<int> seen(10);
  for (size_t i = 0; i < kSamples; ++i) {
    const float dark = y[2 * i];
    ASSERT_GE(dark, 0.2f);
    ASSERT_LT(dark, 0.6f);
    ASSERT_EQ(y[2 * i + 1], std::min(2 * dark, 1.0f));
    ++seen[static_cast<size_t>((dark - 0.2f) / 0.04001f)];
  }
  for (int count : seen) EXPECT_NEAR(count, kSamples / 10, 200);  // 4.7 standard deviations
}

// Ranks hold parts of a batch.
TEST(Images, PartsOfABatchSeeTheSameDraws) {
  const Tensor x = random_bytes({6, 8, 8, 3}), samples = random_indices({6}, 0, 1000000);
  const Augmentation augmentation{.crop_padding = 3, .flip = 0.5};
  const ImageParams params{.augmentation = augmentation, .key = {7, 8}};
  const std::vector<float> whole = prepared(params, x, samples);
  std::vector<float> parts = prepared(params, x.rows(0, 2), samples.rows(0, 2));
  const std::vector<float> rest = prepared(params, x.rows(2, 6), samples.rows(2, 6));
  parts.insert(parts.end(), rest.begin(), rest.end());
  EXPECT_EQ(parts, whole);
  EXPECT_NE(prepared({.augmentation = augmentation, .key = {7, 9}}, x, samples), whole);
}

}  // namespace
}  // namespace d2l::test
