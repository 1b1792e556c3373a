#include <algorithm>

#include "tests/backend/cases/compare.h"

namespace d2l::test {
namespace {

// All comparisons are exact: windows are functions of whole numbers, values two divisions.

struct PlainImages {
  // Words 0 and 1 of a sample's block say where the window lies in the padded image, word 2 whether
  // it is mirrored, word 3 how bright it is.
  void prepare_images(const ImageParams& params, const Backend::ImageOperands& in,
                      const View& y) const {
    const Doubles x = doubles(in.x);
    const std::vector<int64_t> samples = integers(in.samples);
    const Shape& s = y.shape;
    Doubles to;
    for (int64_t i = 0; i < s[0]; ++i) {
      const Random4 words = philox(params.key, static_cast<uint64_t>(samples[i]));
      const auto places = static_cast<uint64_t>(2 * params.augmentation.crop_padding + 1);
      const int64_t down =
          static_cast<int64_t>(words.word[0] * places >> 32) - params.augmentation.crop_padding;
      const int64_t right =
          static_cast<int64_t>(words.word[1] * places >> 32) - params.augmentation.crop_padding;
      const bool mirrored = to_unit(words.word[2]) < params.augmentation.flip;
      const float darkest = std::max(0.0f, static_cast<float>(1 - params.augmentation.brightness));
      const float range = static_cast<float>(1 + params.augmentation.brightness) - darkest;
      const auto factor =
          static_cast<float>(darkest + static_cast<double>(range) * to_unit(words.word[3]));
      for (int64_t row = 0; row < s[1]; ++row)
        for (int64_t column = 0; column < s[2]; ++column)
          for (int64_t c = 0; c < s[3]; ++c) {
            const int64_t r = row + down, q = (mirrored ? s[2] - 1 - column : column) + right;
            const bool inside = r >= 0 && r < s[1] && q >= 0 && q < s[2];
            const double byte = inside ? x[((i * s[1] + r) * s[2] + q) * s[3] + c] : 0;
            const float bright = static_cast<float>(byte) / 255.0f * factor;
            to.push_back(value_of(std::min(bright, 1.0f), in, c));
          }
    }
    store(y, to);
  }

 private:
  static float value_of(float value, const Backend::ImageOperands& in, int64_t channel) {
    if (!in.mean) return value;
    return (value - in.mean.as<float>()[channel]) / in.deviation.as<float>()[channel];
  }
};

Tensor bytes(const Shape& shape) { return random_indices(shape, 0, 256).cast(DType::u8); }

// bytes, samples, mean and deviation
std::vector<Tensor> inputs_of(const Tensor& x, int64_t samples, int64_t channels) {
  return {x, random_indices({samples}, 0, 1000000), random_tensor({channels}),
          random_tensor({channels}, DType::f32, 0.1, 1)};
}

Backend::ImageOperands operands(const Inputs& in, bool normalised) {
  Backend::ImageOperands all{.x = in[0], .samples = in[1], .mean = {}, .deviation = {}};
  if (normalised) all.mean = in[2], all.deviation = in[3];
  return all;
}

// The numbers that a backend makes of images.
std::vector<float> prepared(const ImageParams& params, const Tensor& x, const Tensor& samples) {
  return outputs_of({{x, samples}, {unwritten(x.shape())}},
                    [&](Backend& on, const Inputs& in, const Outputs& out) {
                      on.prepare_images(params, operands(in, false), out[0]);
                    })[0]
      .to_vector<float>();
}

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
              {inputs_of(bytes(shape), shape[0], shape[3]), {unwritten(shape, dtype)}},
              [&, with = normalised](auto& on, const Inputs& in, const Outputs& out) {
                on.prepare_images(params, operands(in, with), out[0]);
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
            {inputs_of(bytes({700}), 4, 3), {unwritten({700}, dtype)}},
            [&, with = normalised](auto& on, const Inputs& in, const Outputs& out) {
              Backend::ImageOperands all = operands(in, with);
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
  const Tensor x = bytes({6, 8, 8, 3}), samples = random_indices({6}, 0, 1000000);
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
