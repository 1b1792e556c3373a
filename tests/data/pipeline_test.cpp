#include "data/transform/pipeline.h"

#include <gmock/gmock.h>

#include <cmath>

#include "tests/data/data_support.h"

namespace d2l::data::test {
namespace {

using testing::HasSubstr;

TEST(Pipeline, TextsComeBackWithAllValues) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"none", "none"},
      {"flip 0", "none"},
      {"resize 256", "resize 256 filter bilinear"},
      {" resize  256x200\tfilter  lanczos ", "resize 256x200 filter lanczos"},
      {"resize 96x96", "resize 96x96 filter bilinear"},
      {"center-crop 224", "center-crop 224"},
      {"resize 256,random-crop 224x200", "resize 256 filter bilinear, random-crop 224x200"},
      {"random-resized-crop 224",
       "random-resized-crop 224 scale 0.08..1 ratio 0.75..4/3 filter bilinear"},
      {"random-resized-crop 9x7 filter box ratio 1/3..3 scale 0.5..0.5",
       "random-resized-crop 9x7 scale 0.5..0.5 ratio 1/3..3 filter box"},
      {"rand-augment 2 9", "rand-augment 2 9"},
      {"pad-crop 4, flip 0.5", "pad-crop 4, flip 0.5"},
      {"hue 0.1, saturation 0.4, contrast 1/3, brightness 1e-3",
       "brightness 0.001, contrast 1/3, saturation 0.4, hue 0.1"},
      {"random-erasing 0.25", "random-erasing 0.25"},
      {"flip 0.123456789", "flip 0.123456789"},
      {"cutmix 1, mixup 1/5", "mixup 0.2, cutmix 1"},
  };
  for (const auto& [text, all] : cases) {
    const Pipeline pipeline = Pipeline::parse(text);
    EXPECT_EQ(pipeline.text(), all);
    EXPECT_EQ(Pipeline::parse(all), pipeline) << text;
  }
}

TEST(Pipeline, StepsOfTheDeviceBecomeItsOptions) {
  const Augmentation found =
      Pipeline::parse(
          "pad-crop 4, flip 0.5, brightness 0.4, contrast 0.3, saturation 0.2, hue 0.1, "
          "random-erasing 0.25")
          .on_device();
  EXPECT_EQ(found, (Augmentation{.crop_padding = 4,
                                 .flip = 0.5,
                                 .brightness = 0.4,
                                 .contrast = 0.3,
                                 .saturation = 0.2,
                                 .hue = 0.1,
                                 .erasing = 0.25}));
  EXPECT_FALSE(Pipeline::parse("rand-augment 2 9").on_device().augments());
  const Pipeline mixing = Pipeline::parse("mixup 0.2, cutmix 1");
  EXPECT_EQ(mixing.on_device(), (Augmentation{.mixup = 0.2, .cutmix = 1}));
  EXPECT_TRUE(mixing.is_random());
  EXPECT_FALSE(mixing.for_evaluation().is_random());
}

TEST(Pipeline, MistakesNameTheStep) {
  const std::string size = "expected a size N or HEIGHTxWIDTH with numbers from 1 to 4096, found ";
  const std::string order =
      "; the order is resize, random-resized-crop, random-crop, center-crop, rand-augment, "
      "pad-crop, flip, brightness, contrast, saturation, hue, random-erasing, mixup, cutmix";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "expected steps separated by ',', found nothing between two ','"},
      {"flip 0.5,", "expected steps separated by ',', found nothing between two ','"},
      {"flop 0.5", "unknown step 'flop', did you mean 'flip'?"},
      {"flip", "step 'flip': expected a probability from 0 to 1, found nothing"},
      {"flip 1.5", "step 'flip 1.5': expected a probability from 0 to 1, found '1.5'"},
      {"flip 1/0", "step 'flip 1/0': expected a probability from 0 to 1, found '1/0'"},
      {"flip nan", "step 'flip nan': expected a probability from 0 to 1, found 'nan'"},
      {"flip 0.5 0.5", "step 'flip 0.5 0.5': expected no more values, found '0.5'"},
      {"flip 0.5, flip 0.5", "step 'flip 0.5': expected flip once, found it twice"},
      {"hue 0.6", "step 'hue 0.6': expected a number from 0 to 0.5, found '0.6'"},
      {"contrast -1", "step 'contrast -1': expected a number of at least 0, found '-1'"},
      {"contrast inf", "step 'contrast inf': expected a number of at least 0, found 'inf'"},
      {"random-erasing 2",
       "step 'random-erasing 2': expected a probability from 0 to 1, found '2'"},
      {"pad-crop 1.5",
       "step 'pad-crop 1.5': expected a number of pixels from 0 to 4096, found '1.5'"},
      {"rand-augment 0 9",
       "step 'rand-augment 0 9': expected a number of operations from 1 to 16, found '0'"},
      {"rand-augment 2 31",
       "step 'rand-augment 2 31': expected a magnitude from 0 to 30, found '31'"},
      {"resize 0", "step 'resize 0': " + size + "'0'"},
      {"resize 5000", "step 'resize 5000': " + size + "'5000'"},
      {"center-crop 10x", "step 'center-crop 10x': " + size + "'10x'"},
      {"random-crop", "step 'random-crop': " + size + "nothing"},
      {"resize 9 filter", "step 'resize 9 filter': expected a filter, found nothing"},
      {"resize 9 scale 1..1", "step 'resize 9 scale 1..1': expected filter, found 'scale'"},
      {"resize 9 filter box filter box",
       "step 'resize 9 filter box filter box': expected filter once, found it twice"},
      {"random-resized-crop 9 scale 0.5",
       "step 'random-resized-crop 9 scale 0.5': expected LOW..HIGH with numbers from 1e-04 to 1, "
       "found '0.5'"},
      {"random-resized-crop 9 scale 1..0.5",
       "step 'random-resized-crop 9 scale 1..0.5': expected LOW..HIGH with numbers from 1e-04 to "
       "1, found '1..0.5'"},
      {"random-resized-crop 9 ratio 0..1",
       "step 'random-resized-crop 9 ratio 0..1': expected LOW..HIGH with numbers from 0.01 to "
       "100, found '0..1'"},
      {"flip 0.5, resize 9", "step 'resize 9': expected it before flip, found it after" + order},
      {"mixup 0", "step 'mixup 0': expected a number from 0.001 to 1000, found '0'"},
      {"cutmix -1", "step 'cutmix -1': expected a number from 0.001 to 1000, found '-1'"},
      {"cutmix", "step 'cutmix': expected a number from 0.001 to 1000, found nothing"},
      {"mixup 1, flip 0.5", "step 'flip 0.5': expected it before mixup, found it after" + order},
      {"center-crop 9, random-crop 8",
       "step 'random-crop 8': expected one step that crops, found another one before it"},
      {"resize 9, random-resized-crop 8",
       "step 'random-resized-crop 8': expected no resize before it, because it resizes its crop "
       "itself"},
  };
  for (const auto& [text, message] : cases)
    EXPECT_EQ(message_of([&, given = text] { Pipeline::parse(given); }), message) << text;
  EXPECT_THAT(message_of([] { Pipeline::parse("resize 9 filter cubic"); }),
              HasSubstr("step 'resize 9 filter cubic': "));
}

// Any text is read or refused with an Error, and what is read comes back.
TEST(Pipeline, ReadsOrRefusesAnyText) {
  const std::vector<std::string> words = {"resize",
                                          "random-resized-crop",
                                          "random-crop",
                                          "center-crop",
                                          "rand-augment",
                                          "pad-crop",
                                          "flip",
                                          "brightness",
                                          "hue",
                                          "scale",
                                          "ratio",
                                          "filter",
                                          "box",
                                          "0.5",
                                          "1/3",
                                          "0.1..0.9",
                                          "3x4",
                                          "7",
                                          ",",
                                          "..",
                                          "x",
                                          "/",
                                          "-1",
                                          "1e9"};
  int read = 0;
  for (uint64_t i = 0; i < 50000; ++i) {
    auto random = [&, at = uint64_t{0}](uint64_t below) mutable {
      return random_below({i, 3}, at++, below);
    };
    std::string text;
    for (uint64_t count = 1 + random(6); count > 0; --count) {
      if (random(5) == 0)
        text += static_cast<char>(random(256));
      else
        text += words[random(words.size())] + (random(9) > 0 ? " " : "");
    }
    try {
      const Pipeline pipeline = Pipeline::parse(text);
      EXPECT_EQ(Pipeline::parse(pipeline.text()), pipeline) << text;
      ++read;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(read, 100);
}

// resize N, then center-crop S, of torchvision 0.29 (_compute_resized_output_size and the rounding
// of center_crop): height, width, N, S, height and width after resize, top, left.
const int64_t kCentral[][8] = {
    {375, 500, 256, 224, 256, 341, 16, 58},
    {500, 375, 256, 224, 341, 256, 58, 16},
    {333, 500, 256, 224, 256, 384, 16, 80},
    {500, 331, 232, 224, 350, 232, 63, 4},
    {61, 1000, 256, 225, 256, 4196, 16, 1986},
    {28, 28, 33, 28, 33, 33, 2, 2},
    {400, 401, 255, 224, 255, 255, 16, 16},
    {256, 256, 256, 224, 256, 256, 16, 16},
    {7, 5, 3, 2, 4, 3, 1, 0},
};

TEST(PipelineView, OfResizeAndCenterCropIsTorchvisions) {
  for (const auto& [height, width, n, s, tall, wide, top, left] : kCentral) {
    const Shape image{height, width, 3};
    const Pipeline only = Pipeline::parse(concat("resize ", n));
    EXPECT_EQ(only.result_shape(image), (Shape{tall, wide, 3}));
    const ImageView all = only.view(image, {}, 0);
    EXPECT_EQ(all.top, 0);
    EXPECT_EQ(all.left, 0);
    EXPECT_EQ(all.bottom, height);
    EXPECT_EQ(all.right, width);
    EXPECT_EQ(all.height, tall);
    EXPECT_EQ(all.width, wide);

    const Pipeline both = Pipeline::parse(concat("resize ", n, " filter box, center-crop ", s));
    const ImageView view = both.view(image, {1, 2}, 3);
    const double rows = static_cast<double>(height) / static_cast<double>(tall);
    const double columns = static_cast<double>(width) / static_cast<double>(wide);
    EXPECT_DOUBLE_EQ(view.top, static_cast<double>(top) * rows);
    EXPECT_DOUBLE_EQ(view.bottom, static_cast<double>(top + s) * rows);
    EXPECT_DOUBLE_EQ(view.left, static_cast<double>(left) * columns);
    EXPECT_DOUBLE_EQ(view.right, static_cast<double>(left + s) * columns);
    EXPECT_LE(view.bottom, height);
    EXPECT_LE(view.right, width);
    EXPECT_EQ(view.height, s);
    EXPECT_EQ(view.width, s);
    EXPECT_EQ(view.filter, Filter::box);
    EXPECT_FALSE(view.clipped);
    EXPECT_FALSE(view.mirrored);
    EXPECT_EQ(both.result_shape(image), (Shape{s, s, 3}));
    EXPECT_EQ(both.result_shape({0, 0, 3}), (Shape{s, s, 3}));
  }
}

std::vector<uint8_t> read(const Pipeline& pipeline, const Sample& sample) {
  const ImageView view = pipeline.view(sample.shape, {}, 0);
  std::vector<uint8_t> result(static_cast<size_t>(view.height * view.width * sample.shape[2]));
  ViewReader().read(sample, view, sample.shape[2], result.data());
  return result;
}

// One view has the bits of the two steps.
TEST(PipelineView, OfResizeAndCenterCropIsAPieceOfTheResizedImage) {
  for (const char* filter : {"nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"})
    for (const auto& [height, width, n, s, tall, wide, top, left] : kCentral) {
      const Shape image{height, width, 1};
      const std::vector<uint8_t> bytes = noise(static_cast<size_t>(height * width));
      const Sample sample{.encoding = Encoding::pixels, .bytes = bytes, .shape = image, .label = 0};
      const std::string resize = concat("resize ", n, " filter ", filter);
      const std::vector<uint8_t> whole = read(Pipeline::parse(resize), sample);
      const std::vector<uint8_t> found =
          read(Pipeline::parse(concat(resize, ", center-crop ", s)), sample);
      for (int64_t row = 0; row < s; ++row) {
        const auto expected = whole.begin() + (top + row) * wide + left;
        ASSERT_TRUE(std::equal(expected, expected + s, found.begin() + row * s))
            << filter << " " << image << ", row " << row;
      }
    }
}

TEST(PipelineView, OfRandomCropReachesEveryPlaceEvenly) {
  const Pipeline pipeline = Pipeline::parse("random-crop 4x3");
  std::vector<int> seen(20);
  for (int64_t sample = 0; sample < 20000; ++sample) {
    const ImageView view = pipeline.view({7, 7, 1}, {1, 2}, sample);
    ASSERT_EQ(view.bottom - view.top, 4);
    ASSERT_EQ(view.right - view.left, 3);
    ASSERT_EQ(view.height, 4);
    ASSERT_EQ(view.width, 3);
    ++seen.at(static_cast<size_t>(view.top * 5 + view.left));
  }
  for (int count : seen) EXPECT_NEAR(count, 1000, 150);  // 4.9 standard deviations
}

// Means of 60,000 calls of RandomResizedCrop.get_params of torchvision 0.29 with these scales: the
// part of the area, and the logarithm of width / height.
struct Drawn {
  int64_t height, width;
  const char* scale;
  double area, ratio;
};
const Drawn kDrawn[] = {{375, 500, "0.08..1", 0.43294, 0.03078},
                        {100, 100, "0.08..1", 0.48326, -0.00113},
                        {60, 400, "0.5..1", 0.2, 0.28768}};

TEST(PipelineView, OfRandomResizedCropIsDrawnAsTorchvisionDoes) {
  for (const auto& [height, width, scale, area, ratio] : kDrawn) {
    const Pipeline pipeline = Pipeline::parse(concat("random-resized-crop 224 scale ", scale));
    double areas = 0, ratios = 0;
    constexpr int kSamples = 20000;
    for (int64_t sample = 0; sample < kSamples; ++sample) {
      const ImageView view = pipeline.view({height, width, 3}, {1, 2}, sample);
      ASSERT_GE(view.top, 0);
      ASSERT_GE(view.left, 0);
      ASSERT_LE(view.bottom, height);
      ASSERT_LE(view.right, width);
      ASSERT_EQ(view.top, std::floor(view.top));
      ASSERT_TRUE(view.clipped);
      ASSERT_EQ(view.height, 224);
      const double tall = view.bottom - view.top, wide = view.right - view.left;
      areas += tall * wide / static_cast<double>(height * width);
      ratios += std::log(wide / tall);
    }
    EXPECT_NEAR(areas / kSamples, area, 0.008) << height << " x " << width;
    EXPECT_NEAR(ratios / kSamples, ratio, 0.006) << height << " x " << width;
  }
}

// Where no rectangle fits, torchvision takes the largest one in the middle.
TEST(PipelineView, OfRandomResizedCropFallsBackToTheMiddle) {
  struct Middle {
    Shape image;
    double top, left, height, width;
  };
  for (const auto& [image, top, left, height, width] : {Middle{{10, 1000, 3}, 0, 493, 10, 13},
                                                        {{1000, 10, 3}, 493, 0, 13, 10},
                                                        {{1, 1, 3}, 0, 0, 1, 1},
                                                        {{1, 50, 3}, 0, 24, 1, 1}}) {
    const ImageView view =
        Pipeline::parse("random-resized-crop 8 scale 1..1").view(image, {1, 2}, 3);
    EXPECT_EQ(view.top, top) << image;
    EXPECT_EQ(view.left, left) << image;
    EXPECT_EQ(view.bottom - view.top, height) << image;
    EXPECT_EQ(view.right - view.left, width) << image;
  }
}

TEST(PipelineView, DependsOnKeyAndSampleOnly) {
  const Pipeline pipeline = Pipeline::parse("random-resized-crop 224");
  const Shape image{300, 400, 3};
  const auto at = [&](RngKey key, int64_t sample) {
    const ImageView view = pipeline.view(image, key, sample);
    return std::vector<double>{view.top, view.left, view.bottom, view.right};
  };
  EXPECT_EQ(at({1, 2}, 5), at({1, 2}, 5));
  EXPECT_NE(at({1, 2}, 5), at({1, 2}, 6));
  EXPECT_NE(at({1, 2}, 5), at({1, 3}, 5));
  EXPECT_NE(at({1, 2}, 5), at({2, 2}, 5));
}

TEST(Pipeline, SizesOfResults) {
  const auto shape = [](const std::string& text, const Shape& images) {
    return Pipeline::parse(text).result_shape(images);
  };
  const auto complaint = [&](const std::string& text, const Shape& images) {
    return message_of([&] { shape(text, images); });
  };
  EXPECT_EQ(shape("none", {28, 30, 1}), (Shape{28, 30, 1}));
  EXPECT_EQ(shape("pad-crop 2, flip 0.5", {28, 30, 1}), (Shape{28, 30, 1}));
  EXPECT_EQ(shape("resize 14x20", {0, 0, 3}), (Shape{14, 20, 3}));
  EXPECT_EQ(shape("random-resized-crop 5x6", {0, 0, 3}), (Shape{5, 6, 3}));
  EXPECT_EQ(shape("resize 9, random-crop 9x8", {0, 0, 3}), (Shape{9, 8, 3}));
  EXPECT_EQ(shape("random-crop 9x8", {0, 0, 3}), (Shape{9, 8, 3}));
  EXPECT_THAT(complaint("none", {0, 0, 3}),
              HasSubstr("the images differ in size: expected a step that gives them one size"));
  EXPECT_THAT(complaint("resize 256", {0, 0, 3}), HasSubstr("found resize 256 filter bilinear"));
  EXPECT_EQ(complaint("center-crop 30", {28, 28, 1}),
            "center-crop expects images of at least 30 x 30, found 28 x 28");
  EXPECT_EQ(complaint("resize 20, random-crop 21", {28, 28, 1}),
            "random-crop expects images of at least 21 x 21, found 20 x 20 after resize");
  EXPECT_EQ(complaint("resize 20x30, random-crop 21", {0, 0, 1}),
            "random-crop expects images of at least 21 x 21, found 20 x 30 after resize");
  EXPECT_EQ(complaint("resize 20, random-crop 21", {0, 0, 1}),
            "expected resize to at least 21, so that the crop of 21 x 21 fits into images of "
            "different sizes, found resize 20");
  EXPECT_EQ(message_of([] {
              Pipeline::parse("random-crop 9").view({9, 8, 3}, {}, 0);
            }),
            "random-crop expects images of at least 9 x 9, found 9 x 8");
}

TEST(Pipeline, ForEvaluationNothingIsRandom) {
  const auto text = [](const std::string& steps) {
    return Pipeline::parse(steps).for_evaluation().text();
  };
  EXPECT_EQ(text("random-resized-crop 224 scale 0.3..1 filter bicubic, flip 0.5"),
            "resize 256 filter bicubic, center-crop 224");
  EXPECT_EQ(text("random-resized-crop 160x192"), "resize 219 filter bilinear, center-crop 160x192");
  EXPECT_EQ(text("resize 40, random-crop 32, rand-augment 1 9, random-erasing 1"),
            "resize 40 filter bilinear, center-crop 32");
  EXPECT_EQ(text("resize 32x30, hue 0.1"), "resize 32x30 filter bilinear");
  EXPECT_EQ(text("pad-crop 4"), "none");
  for (const char* steps : {"random-resized-crop 9", "random-crop 9", "rand-augment 1 9", "flip 1"})
    EXPECT_TRUE(Pipeline::parse(steps).is_random()) << steps;
  EXPECT_FALSE(Pipeline::parse("resize 9, center-crop 8").is_random());
  EXPECT_EQ(Pipeline::parse("flip 0.5").resized(9).text(), "resize 9x9 filter bilinear, flip 0.5");
}

}  // namespace
}  // namespace d2l::data::test
