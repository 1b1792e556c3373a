#include "framework/backend/image_colours.h"

#include <algorithm>
#include <array>
#include <map>

#include "framework/backend/images.h"
#include "tests/backend/cases/plain_images.h"

namespace d2l::test {
namespace {

using Pixels = std::vector<std::array<float, 3>>;

// Factors of 3 and deviations of 0.1 multiply the errors of f32. CUDA gives the bits of the CPU.
constexpr Tolerances kColours{{1e-5, 2e-5}, {}, {kOneRounding, 2e-5}};

TEST(ImageColours, AreWhatTheLoopSays) {
  for (DType dtype : floats())
    for (const Shape& shape : {Shape{3, 5, 7, 3}, Shape{2, 33, 40, 3}, Shape{2, 224, 224, 3},
                               Shape{5, 8, 8, 1}, Shape{2, 28, 28, 1}, Shape{0, 4, 4, 3}})
      for (Augmentation augmentation :
           {Augmentation{.contrast = 0.4},
            {.saturation = 0.7},
            {.hue = 0.5},
            {.flip = 0.5, .brightness = 0.5, .contrast = 0.5, .saturation = 0.5, .hue = 0.5},
            {.crop_padding = 2, .brightness = 2, .contrast = 3},
            {.brightness = 0.4, .saturation = 5, .hue = 0.1, .erasing = 0.5}})
        for (bool normalised : {false, true}) {
          if (shape[3] == 1) augmentation.saturation = augmentation.hue = 0;
          const ImageParams params{.augmentation = augmentation, .key = {11, 1ull << 40}};
          EXPECT_TRUE(agree<PlainImages>(
              {image_inputs(random_bytes(shape), shape[0], shape[3]), {unwritten(shape, dtype)}},
              [&, with = normalised](auto& on, const Inputs& in, const Outputs& out) {
                on.prepare_images(params, image_operands(in, with), out[0]);
              },
              kColours))
              << shape << " " << augmentation.contrast << " " << augmentation.saturation << " "
              << augmentation.hue << " " << normalised;
        }
}

TEST(ImageColours, RectanglesAreErased) {
  for (DType dtype : floats())
    for (const Shape& shape : {Shape{30, 9, 7, 3}, Shape{3, 33, 40, 5}, Shape{9, 1, 1, 1}})
      for (bool normalised : {false, true})
        EXPECT_TRUE(agree<PlainImages>(
            {image_inputs(random_bytes(shape), shape[0], shape[3]), {unwritten(shape, dtype)}},
            [&, with = normalised](auto& on, const Inputs& in, const Outputs& out) {
              const Augmentation augmentation{.flip = 0.5, .brightness = 0.4, .erasing = 0.8};
              on.prepare_images({augmentation, {5, 6}}, image_operands(in, with), out[0]);
            }))
            << shape << " " << normalised;
}

// The pixels of an image after adjust_brightness, adjust_contrast, adjust_saturation and
// adjust_hue of torchvision 0.29 (torchvision.transforms.functional on a float tensor).
const Pixels kImage = {{255, 0, 0},     {12, 200, 90},   {30, 60, 250},
                       {128, 128, 128}, {255, 255, 254}, {0, 3, 1}};
struct Adjusted {
  images::ColourStep step;
  float by;
  Pixels pixels;
};
const std::vector<Adjusted> kTorchvision = {
    {images::ColourStep::brightness,
     1.4f,
     {{1, 0, 0},
      {0.06588235f, 1, 0.4941176f},
      {0.1647059f, 0.3294118f, 1},
      {0.7027451f, 0.7027451f, 0.7027451f},
      {1, 1, 1},
      {0, 0.01647059f, 0.005490196f}}},
    {images::ColourStep::contrast,
     0.6f,
     {{0.7738239f, 0.1738238f, 0.1738238f},
      {0.2020591f, 0.644412f, 0.3855885f},
      {0.244412f, 0.3150003f, 0.7620591f},
      {0.4750003f, 0.4750003f, 0.4750003f},
      {0.7738239f, 0.7738239f, 0.7714709f},
      {0.1738238f, 0.1808826f, 0.1761767f}}},
    {images::ColourStep::contrast,
     1.7f,
     {{1, 0, 0},
      {0, 1, 0.2958084f},
      {0, 0.09580836f, 1},
      {0.5491418f, 0.5491418f, 0.5491418f},
      {1, 1, 1},
      {0, 0, 0}}},
    {images::ColourStep::saturation,
     0.3f,
     {{0.50923f, 0.20923f, 0.20923f},
      {0.374403f, 0.5955795f, 0.4661677f},
      {0.2348271f, 0.2701212f, 0.4936506f},
      {0.5019257f, 0.5019257f, 0.5019257f},
      {0.999617f, 0.999617f, 0.9984406f},
      {0.005147059f, 0.008676471f, 0.006323529f}}},
    {images::ColourStep::saturation,
     1.8f,
     {{1, 0, 0},
      {0, 1, 0.2235394f},
      {0, 0.1954918f, 1},
      {0.5020009f, 0.5020009f, 0.5020009f},
      {1, 1, 0.9933787f},
      {0, 0.01529412f, 0.00117647f}}},
    {images::ColourStep::hue,
     -0.5f,
     {{0, 1, 1},
      {0.7843137f, 0.04705882f, 0.4784314f},
      {0.9803922f, 0.8627456f, 0.1176471f},
      {0.5019608f, 0.5019608f, 0.5019608f},
      {0.9960784f, 0.9960784f, 1},
      {0.01176471f, 0, 0.00784313f}}},
    {images::ColourStep::hue,
     -0.2f,
     {{0.8000002f, 0, 1},
      {0.6258824f, 0.7843137f, 0.04705882f},
      {0.1176471f, 0.9803922f, 0.6901968f},
      {0.5019608f, 0.5019608f, 0.5019608f},
      {1, 0.9960784f, 0.9968628f},
      {0.01019607f, 0.01176471f, 0}}},
    {images::ColourStep::hue,
     0.1f,
     {{1, 0.6f, 0},
      {0.04705882f, 0.7733333f, 0.7843137f},
      {0.5176479f, 0.1176471f, 0.9803922f},
      {0.5019608f, 0.5019608f, 0.5019608f},
      {0.997647f, 1, 0.9960784f},
      {0, 0.01176471f, 0.0109804f}}},
    {images::ColourStep::hue,
     0.37f,
     {{0, 1, 0.22f},
      {0.5151371f, 0.04705882f, 0.7843137f},
      {0.9803922f, 0.1898044f, 0.1176471f},
      {0.5019608f, 0.5019608f, 0.5019608f},
      {0.9960784f, 0.9991373f, 1},
      {0.006509809f, 0, 0.01176471f}}},
};

float grey_of(const Pixels& pixels) {
  int64_t units = 0;
  for (const auto& [red, green, blue] : pixels)
    units += images::grey_units(images::grey_of(red, green, blue));
  return images::mean_grey(units, static_cast<int64_t>(pixels.size()));
}

void adjust(images::ColourStep step, float by, Pixels& pixels) {
  const float grey = grey_of(pixels);
  for (auto& pixel : pixels) {
    auto& [red, green, blue] = pixel;
    if (step == images::ColourStep::saturation) images::saturate(red, green, blue, by);
    if (step == images::ColourStep::hue) images::turn_hue(red, green, blue, 6 * by);
    for (float& value : pixel) {
      if (step == images::ColourStep::brightness) value = images::brightened(value, by);
      if (step == images::ColourStep::contrast) value = images::stretched(value, grey, by);
    }
  }
}

TEST(ImageColours, AreTorchvisions) {
  for (const Adjusted& adjusted : kTorchvision) {
    Pixels pixels = kImage;
    for (auto& pixel : pixels)
      for (float& value : pixel) value /= 255;
    adjust(adjusted.step, adjusted.by, pixels);
    for (size_t i = 0; i < pixels.size(); ++i)
      for (size_t c = 0; c < 3; ++c)
        EXPECT_NEAR(pixels[i][c], adjusted.pixels[i][c], 2e-6)
            << static_cast<int>(adjusted.step) << " by " << adjusted.by << ", pixel " << i;
  }
}

TEST(ImageColours, StepsComeInAnyOrder) {
  const images::Variations all(
      {.augmentation = {.brightness = 0.4, .contrast = 0.4, .saturation = 0.4, .hue = 0.1},
       .key = {1, 2}});
  const images::Variations two({.augmentation = {.contrast = 0.4, .hue = 0.1}, .key = {1, 2}});
  std::map<uint32_t, int> orders, orders_of_two;
  for (int64_t sample = 0; sample < 24000; ++sample) {
    const images::ColourChange change = all.colours_of(sample);
    ASSERT_EQ(change.count, 4);
    ++orders[change.order];
    const images::ColourChange other = two.colours_of(sample);
    ASSERT_EQ(other.count, 2);
    ++orders_of_two[other.order];
    for (float factor : {change.brightness, change.contrast, change.saturation}) {
      ASSERT_GE(factor, 0.6f);
      ASSERT_LT(factor, 1.4f);
    }
    ASSERT_LE(std::abs(change.turn), 0.6f);
  }
  EXPECT_EQ(orders.size(), 24u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 1000, 150) << order;
  EXPECT_EQ(orders_of_two.size(), 2u);  // contrast is step 1, hue is step 3
  for (uint32_t order : {1u | 3u << 2, 3u | 1u << 2}) EXPECT_NEAR(orders_of_two[order], 12000, 400);
}

TEST(ImageColours, FactorsAreDrawnEvenly) {
  const images::Variations variations(
      {.augmentation = {.contrast = 0.5, .saturation = 2, .hue = 0.25}, .key = {1, 2}});
  std::array<std::vector<int>, 3> seen;
  for (auto& each : seen) each.resize(10);
  for (int64_t sample = 0; sample < 20000; ++sample) {
    const images::ColourChange change = variations.colours_of(sample);
    ++seen[0].at(static_cast<size_t>((change.contrast - 0.5f) * 10));
    ++seen[1].at(static_cast<size_t>(change.saturation / 3 * 10));
    ++seen[2].at(static_cast<size_t>((change.turn / 6 + 0.25f) * 20));
  }
  for (const auto& each : seen)
    for (int count : each) EXPECT_NEAR(count, 2000, 200);
}

TEST(ImageColours, ErasedRectanglesAreDrawnAsTorchvisionDoes) {
  constexpr int64_t kSamples = 20000, kHeight = 60, kWidth = 100;
  const images::Variations variations({.augmentation = {.erasing = 0.25}, .key = {1, 2}});
  int erased = 0, tall = 0;
  double area = 0, row = 0, column = 0;
  for (int64_t sample = 0; sample < kSamples; ++sample) {
    const images::Erased found = variations.erased_of(sample, kHeight, kWidth);
    if (found.bottom == 0) continue;
    const int64_t height = found.bottom - found.top, width = found.right - found.left;
    ASSERT_GE(found.top, 0);
    ASSERT_GE(found.left, 0);
    ASSERT_LE(found.bottom, kHeight);
    ASSERT_LE(found.right, kWidth);
    ASSERT_GE(height * width, 0.018 * kHeight * kWidth);
    ASSERT_LE(height * width, 0.34 * kHeight * kWidth);
    ++erased;
    tall += height > width;
    area += static_cast<double>(height * width);
    row += static_cast<double>(found.top) / static_cast<double>(kHeight - height);
    column += static_cast<double>(found.left) / static_cast<double>(kWidth - width);
  }
  // Mean area and share of tall rectangles: from 60,000 calls of RandomErasing.get_params of
  // torchvision 0.29.
  EXPECT_NEAR(erased, kSamples / 4, 290);  // 4.7 standard deviations
  EXPECT_NEAR(area / erased, 1005, 40);
  EXPECT_NEAR(static_cast<double>(tall) / erased, 0.453, 0.035);
  EXPECT_NEAR(row / erased, 0.5, 0.02);
  EXPECT_NEAR(column / erased, 0.5, 0.02);
}

}  // namespace
}  // namespace d2l::test
