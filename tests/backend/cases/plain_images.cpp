#include "tests/backend/cases/plain_images.h"

#include <algorithm>
#include <cmath>

namespace d2l::test {
namespace {

double between(uint32_t word, double low, double high) {
  return low + (high - low) * to_unit(word);
}

double limited(double value) { return std::clamp(value, 0.0, 1.0); }

// The bytes after crop and flip. Words 0 and 1 of a sample's block say where the window lies in the
// padded image, word 2 whether it is mirrored.
Doubles window(const Augmentation& augmentation, const Random4& words, const double* x,
               const Shape& s) {
  const auto places = static_cast<uint64_t>(2 * augmentation.crop_padding + 1);
  const auto shift = [&](uint32_t word) {
    return static_cast<int64_t>(word * places >> 32) - augmentation.crop_padding;
  };
  const int64_t down = shift(words.word[0]), right = shift(words.word[1]);
  const bool mirrored = to_unit(words.word[2]) < augmentation.flip;
  Doubles to;
  for (int64_t row = 0; row < s[1]; ++row)
    for (int64_t column = 0; column < s[2]; ++column)
      for (int64_t c = 0; c < s[3]; ++c) {
        const int64_t r = row + down, q = (mirrored ? s[2] - 1 - column : column) + right;
        const bool inside = r >= 0 && r < s[1] && q >= 0 && q < s[2];
        to.push_back(inside ? x[(r * s[2] + q) * s[3] + c] : 0);
      }
  return to;
}

void only_brighten(double strength, uint32_t word, Doubles& image) {
  const float darkest = std::max(0.0f, static_cast<float>(1 - strength));
  const float range = static_cast<float>(1 + strength) - darkest;
  const auto factor = static_cast<float>(darkest + static_cast<double>(range) * to_unit(word));
  for (double& value : image) value = std::min(static_cast<float>(value) / 255.0f * factor, 1.0f);
}

double grey_of(const double* pixel, int64_t channels) {
  return channels == 1 ? pixel[0] : 0.2989 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
}

// From RGB to HSV and back, as in torchvision. `turn`: part of the circle.
void turn_hue(double* pixel, double turn) {
  const double most = std::max({pixel[0], pixel[1], pixel[2]});
  const double range = most - std::min({pixel[0], pixel[1], pixel[2]});
  if (range == 0) return;
  double hue = pixel[0] == most   ? (pixel[1] - pixel[2]) / range
               : pixel[1] == most ? 2 + (pixel[2] - pixel[0]) / range
                                  : 4 + (pixel[0] - pixel[1]) / range;
  hue = std::fmod(hue / 6 + turn + 2, 1.0) * 6;
  const double part = hue - std::floor(hue), saturation = range / most;
  const double p = most * (1 - saturation), q = most * (1 - saturation * part),
               t = most * (1 - saturation * (1 - part));
  const double all[6][3] = {{most, t, p}, {q, most, p}, {p, most, t},
                            {p, q, most}, {t, p, most}, {most, p, q}};
  std::copy_n(all[static_cast<int>(hue) % 6], 3, pixel);
}

// Block `sample` of a stream of its own has the factors of contrast, saturation and hue and the
// order of the steps.
void change_colours(const Augmentation& by, RngKey key, uint64_t sample, int64_t channels,
                    Doubles& image) {
  const Random4 words = philox({key.seed, mix(key.stream, stream_of("colours"))}, sample);
  const auto factor = [](uint32_t word, double strength) {
    return between(word, std::max(0.0, 1 - strength), 1 + strength);
  };
  const double brightness = factor(philox(key, sample).word[3], by.brightness);
  const double contrast = factor(words.word[0], by.contrast);
  const double saturation = factor(words.word[1], by.saturation);
  const double turn = between(words.word[2], -by.hue, by.hue);
  const size_t count = image.size(), step = static_cast<size_t>(channels);
  for (double& value : image) value /= 255;

  uint64_t order = uint64_t{words.word[3]} * 24 >> 32;
  for (std::vector<int> left{0, 1, 2, 3}; !left.empty();) {
    const auto drawn = left.begin() + static_cast<int64_t>(order % left.size());
    order /= left.size();
    double mean = 0;
    for (size_t i = 0; i < count; i += step) mean += grey_of(&image[i], channels);
    mean /= static_cast<double>(count / step);
    for (size_t i = 0; i < count; i += step) {
      const double grey = grey_of(&image[i], channels);
      for (size_t c = 0; c < step; ++c) {
        double& value = image[i + c];
        if (*drawn == 0) value = limited(value * brightness);
        if (*drawn == 1 && by.contrast > 0) value = limited(mean + contrast * (value - mean));
        if (*drawn == 2 && by.saturation > 0) value = limited(grey + saturation * (value - grey));
      }
      if (*drawn == 3 && by.hue > 0) turn_hue(&image[i], turn);
    }
    left.erase(drawn);
  }
}

// Sets a rectangle to 0. Block 16 s of a stream of its own decides whether, the next ten are tries.
void erase(const Augmentation& by, RngKey key, uint64_t sample, const Shape& s, Doubles& image) {
  key.stream = mix(key.stream, stream_of("erasing"));
  if (to_unit(philox(key, 16 * sample).word[0]) >= by.erasing) return;
  for (uint64_t i = 1; i <= 10; ++i) {
    const Random4 words = philox(key, 16 * sample + i);
    const double area = between(words.word[0], 0.02, 0.33) * static_cast<double>(s[1] * s[2]);
    const double ratio = std::exp(between(words.word[1], std::log(0.3), std::log(3.3)));
    const int64_t height = std::lround(std::sqrt(area * ratio));
    const int64_t width = std::lround(std::sqrt(area / ratio));
    if (height >= s[1] || width >= s[2]) continue;
    const auto place = [](uint32_t word, int64_t count) {
      return static_cast<int64_t>(word * static_cast<uint64_t>(count) >> 32);
    };
    const int64_t top = place(words.word[2], s[1] - height + 1);
    const int64_t left = place(words.word[3], s[2] - width + 1);
    for (int64_t row = top; row < top + height; ++row)
      std::fill_n(image.begin() + (row * s[2] + left) * s[3], width * s[3], 0);
    return;
  }
}

float normalised(float value, const Backend::ImageOperands& in, int64_t channel) {
  if (!in.mean) return value;
  return (value - in.mean.as<float>()[channel]) / in.deviation.as<float>()[channel];
}

}  // namespace

void PlainImages::prepare_images(const ImageParams& params, const Backend::ImageOperands& in,
                                 const View& y) const {
  const Doubles x = doubles(in.x);
  const std::vector<int64_t> samples = integers(in.samples);
  const Shape& s = y.shape;
  const Augmentation& augmentation = params.augmentation;
  Doubles to;
  for (int64_t i = 0; i < s[0]; ++i) {
    const auto sample = static_cast<uint64_t>(samples[i]);
    const Random4 words = philox(params.key, sample);
    Doubles image = window(augmentation, words, x.data() + i * s.elements(1, 4), s);
    if (augmentation.mixes_values())
      change_colours(augmentation, params.key, sample, s[3], image);
    else
      only_brighten(augmentation.brightness, words.word[3], image);
    for (size_t k = 0; k < image.size(); ++k)
      image[k] = normalised(static_cast<float>(image[k]), in, static_cast<int64_t>(k) % s[3]);
    erase(augmentation, params.key, sample, s, image);
    to.insert(to.end(), image.begin(), image.end());
  }
  store(y, to);
}

Tensor random_bytes(const Shape& shape) { return random_indices(shape, 0, 256).cast(DType::u8); }

std::vector<Tensor> image_inputs(const Tensor& x, int64_t samples, int64_t channels) {
  return {x, random_indices({samples}, 0, 1000000), random_tensor({channels}),
          random_tensor({channels}, DType::f32, 0.1, 1)};
}

Backend::ImageOperands image_operands(const Inputs& in, bool normalised) {
  Backend::ImageOperands all{.x = in[0], .samples = in[1], .mean = {}, .deviation = {}};
  if (normalised) all.mean = in[2], all.deviation = in[3];
  return all;
}

std::vector<float> prepared(const ImageParams& params, const Tensor& x, const Tensor& samples) {
  return outputs_of({{x, samples}, {unwritten(x.shape())}},
                    [&](Backend& on, const Inputs& in, const Outputs& out) {
                      on.prepare_images(params, image_operands(in, false), out[0]);
                    })[0]
      .to_vector<float>();
}

}  // namespace d2l::test
