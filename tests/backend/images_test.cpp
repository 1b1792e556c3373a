#include <algorithm>
#include <array>
#include <utility>

#include "tests/backend/arrays.h"

namespace d2l::test {
namespace {

using Bytes = std::vector<uint8_t>;

struct Images {
  Images(int64_t n, int64_t h, int64_t w, int64_t c)
      : shape{n, h, w, c}, bytes(static_cast<size_t>(shape.elements())) {
    for (size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<uint8_t>(random_word({3, 4}, i) >> 24);
    for (int64_t i = 0; i < n; ++i) samples.push_back(1000 * i + 17);
    for (int64_t i = 0; i < c; ++i) {
      mean.push_back(0.25f + 0.125f * static_cast<float>(i));
      deviation.push_back(0.3f + 0.1f * static_cast<float>(i));
    }
  }
  Backend::ImageOperands operands(bool normalised) const {
    Backend::ImageOperands all{.x = {bytes.data(), DType::u8, shape},
                               .samples = in(samples, {shape[0]}),
                               .mean = {},
                               .deviation = {}};
    if (normalised) all.mean = in(mean), all.deviation = in(deviation);
    return all;
  }

  Shape shape;
  Bytes bytes;
  std::vector<int64_t> samples;
  Floats mean, deviation;
};

// The definition: words 0 and 1 of the sample's block say where the window lies in the padded
// image, word 2 whether it is mirrored.
Floats expected(const ImageParams& params, const Images& images, bool normalised) {
  const auto [n, h, w, c] =
      std::array{images.shape[0], images.shape[1], images.shape[2], images.shape[3]};
  Floats y;
  for (int64_t i = 0; i < n; ++i) {
    const auto sample = static_cast<uint64_t>(images.samples[static_cast<size_t>(i)]);
    const Random4 words = philox(params.key, sample);
    const auto places = static_cast<uint64_t>(2 * params.padding + 1);
    const auto top = static_cast<int64_t>(words.word[0] * places >> 32);
    const auto left = static_cast<int64_t>(words.word[1] * places >> 32);
    const bool mirrored = to_unit(words.word[2]) < params.flip;
    for (int64_t row = 0; row < h; ++row)
      for (int64_t column = 0; column < w; ++column)
        for (int64_t k = 0; k < c; ++k) {
          const int64_t r = row + top - params.padding;
          const int64_t q = (mirrored ? w - 1 - column : column) + left - params.padding;
          const bool inside = r >= 0 && r < h && q >= 0 && q < w;
          const uint8_t byte =
              inside ? images.bytes[static_cast<size_t>(((i * h + r) * w + q) * c + k)] : 0;
          const float value = static_cast<float>(byte) / 255.0f;
          const auto channel = static_cast<size_t>(k);
          y.push_back(normalised ? (value - images.mean[channel]) / images.deviation[channel]
                                 : value);
        }
  }
  return y;
}

TEST(Images, AreWhatTheLoopSays) {
  auto backend = make_cpu_backend(2);
  for (const Images& images : {Images(7, 5, 6, 3), Images(3, 28, 28, 1), Images(2, 33, 40, 5),
                               Images(1, 200, 190, 3), Images(9, 1, 1, 1), Images(0, 4, 4, 3)})
    for (const auto& [padding, flip] :
         {std::pair{0, 0.0}, {0, 0.5}, {0, 1.0}, {2, 0.0}, {4, 0.5}, {9, 0.7}})
      for (bool normalised : {false, true}) {
        const ImageParams params{.padding = padding, .flip = flip, .key = {5, 6}};
        Floats y = poisoned(images.shape.elements());
        backend->prepare_images(params, images.operands(normalised), out(y, images.shape));
        ASSERT_TRUE(same_bits(y, expected(params, images, normalised)))
            << images.shape.to_string() << " " << padding << " " << flip << " " << normalised;
      }
}

// All places, all equally often; half of the images mirrored; one independent of the other.
TEST(Images, PlacesAreDrawnEvenly) {
  auto backend = make_cpu_backend(1);
  constexpr int64_t kSamples = 20000, kPadding = 2;
  Images images(kSamples, 5, 5, 1);
  for (int64_t i = 0; i < kSamples; ++i) images.samples[static_cast<size_t>(i)] = i;
  std::fill(images.bytes.begin(), images.bytes.end(), uint8_t{0});
  // One bright pixel, in the middle of row 2, next to a darker one.
  for (int64_t i = 0; i < kSamples; ++i) {
    images.bytes[static_cast<size_t>(25 * i + 12)] = 255;
    images.bytes[static_cast<size_t>(25 * i + 13)] = 51;
  }
  Floats y = poisoned(25 * kSamples);
  backend->prepare_images({.padding = kPadding, .flip = 0.5, .key = {1, 2}}, images.operands(false),
                          out(y, images.shape));
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

TEST(Images, DrawsAreTheSamplesOwn) {
  auto backend = make_cpu_backend(1);
  const Images all(6, 8, 8, 3);
  const ImageParams params{.padding = 3, .flip = 0.5, .key = {7, 8}};
  const auto prepare = [&](int64_t first, int64_t count, const ImageParams& with) {
    Floats y = poisoned(count * 192);
    backend->prepare_images(with,
                            {.x = {all.bytes.data() + first * 192, DType::u8, {count, 8, 8, 3}},
                             .samples = {all.samples.data() + first, DType::i64, {count}},
                             .mean = {},
                             .deviation = {}},
                            out(y, {count, 8, 8, 3}));
    return y;
  };
  const Floats whole = prepare(0, 6, params);
  Floats parts = prepare(0, 2, params);
  const Floats rest = prepare(2, 4, params);
  parts.insert(parts.end(), rest.begin(), rest.end());
  EXPECT_TRUE(same_bits(parts, whole));
  EXPECT_FALSE(same_bits(prepare(0, 6, {.padding = 3, .flip = 0.5, .key = {7, 9}}), whole));
}

TEST(Images, OnAnyNumberOfThreads) {
  const Images images(50, 32, 32, 3);
  expect_thread_independent([&](Backend& backend) {
    Floats y = poisoned(images.shape.elements());
    backend.prepare_images({.padding = 4, .flip = 0.5, .key = {1, 2}}, images.operands(true),
                           out(y, images.shape));
    return y;
  });
}

}  // namespace
}  // namespace d2l::test
