#include "framework/backend/images.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/image_colours.h"
#include "framework/backend/cpu/image_pairs.h"
#include "framework/backend/cpu/parallel.h"

namespace d2l::cpu {
namespace {

using images::Erased;
using images::Variation;

template <class T>
D2L_SIMD void scale(const uint8_t* x, Variation variation, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = static_cast<T>(images::scaled(x[i], variation));
}

template <class T>
D2L_SIMD void normalise(const uint8_t* x, Variation variation, const float* mean,
                        const float* deviation, T* y, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    y[i] = static_cast<T>(images::normalised(x[i], variation, mean[i], deviation[i]));
}

// Means and deviations for consecutive elements of an image. Without them, pixels are only scaled.
class Normalisation {
 public:
  Normalisation(ConstView mean, ConstView deviation) {
    if (!mean) return;
    const int64_t channels = mean.elements();
    const int64_t pixels = (kElements + channels - 1) / channels;
    for (int64_t i = 0; i < pixels; ++i) {
      mean_.insert(mean_.end(), mean.as<float>(), mean.as<float>() + channels);
      deviation_.insert(deviation_.end(), deviation.as<float>(), deviation.as<float>() + channels);
    }
  }

  // x[0] belongs to the first channel.
  template <class T>
  void apply(const uint8_t* x, const Variation& variation, T* y, int64_t count) const {
    if (mean_.empty()) return scale(x, variation, y, count);
    const auto step = static_cast<int64_t>(mean_.size());
    for (int64_t i = 0; i < count; i += step)
      normalise(x + i, variation, mean_.data(), deviation_.data(), y + i,
                std::min(step, count - i));
  }

 private:
  static constexpr int64_t kElements = 1024;  // size of the tables, rounded up to whole pixels
  std::vector<float> mean_, deviation_;
};

struct ImageSize {
  int64_t height, width, channels;
  int64_t row() const { return width * channels; }
  int64_t elements() const { return height * row(); }
};

void mirror(uint8_t* row, const ImageSize& size) {
  const int64_t channels = size.channels;
  if (channels == 1) return std::reverse(row, row + size.width);
  uint8_t *left = row, *right = row + size.row() - channels;
  for (; left < right; left += channels, right -= channels)
    std::swap_ranges(left, left + channels, right);
}

// Copies the bytes of the window.
void cut(const uint8_t* x, const ImageSize& size, const Variation& at, uint8_t* window) {
  // The window's columns that are inside the image.
  const int64_t first = std::clamp<int64_t>(-at.right, 0, size.width);
  const int64_t last = std::clamp(size.width - at.right, first, size.width);
  const auto bytes = [&](int64_t columns) { return static_cast<size_t>(columns * size.channels); };
  for (int64_t i = 0; i < size.height; ++i) {
    uint8_t* row = window + i * size.row();
    const int64_t from = i + at.down;
    if (from < 0 || from >= size.height) {
      std::memset(row, 0, bytes(size.width));
      continue;
    }
    std::memset(row, 0, bytes(first));
    if (first < last)
      std::memcpy(row + bytes(first), x + from * size.row() + (first + at.right) * size.channels,
                  bytes(last - first));
    std::memset(row + bytes(last), 0, bytes(size.width - last));
    if (at.mirrored) mirror(row, size);
  }
}

template <class T>
void erase(const Erased& erased, const ImageSize& size, T* y) {
  for (int64_t row = erased.top; row < erased.bottom; ++row) {
    T* line = y + row * size.row();
    std::fill(line + erased.left * size.channels, line + erased.right * size.channels, T{});
  }
}

// Prepares images of a batch one after the other; one per thread.
class Preparation {
 public:
  Preparation(const ImageParams& params, const Backend::ImageOperands& in, const Shape& shape)
      : augmentation_(params.augmentation),
        size_{shape[1], shape[2], shape[3]},
        variations_(params),
        normalisation_(in.mean, in.deviation),
        x_(in.x.as<uint8_t>()),
        samples_(in.samples.as<int64_t>()),
        window_(static_cast<size_t>(size_.elements())) {
    if (augmentation_.mixes_values())
      colours_.emplace(size_.height * size_.width, size_.channels, in.mean.as<float>(),
                       in.deviation.as<float>());
  }

  template <class T>
  void prepare(int64_t image, T* y) {
    const int64_t sample = samples_[image];
    const Variation variation = variations_.of(sample);
    cut(x_ + image * size_.elements(), size_, variation, window_.data());
    if (colours_)
      colours_->apply(window_.data(), variations_.colours_of(sample), y);
    else
      normalisation_.apply(window_.data(), variation, y, size_.elements());
    if (augmentation_.erasing > 0)
      erase(variations_.erased_of(sample, size_.height, size_.width), size_, y);
  }

 private:
  Augmentation augmentation_;
  ImageSize size_;
  images::Variations variations_;
  Normalisation normalisation_;
  const uint8_t* x_;
  const int64_t* samples_;
  std::vector<uint8_t> window_;
  std::optional<ColourChanger> colours_;
};

void prepare(const ImageParams& params, const Backend::ImageOperands& in, View y) {
  if (!params.augmentation.augments())
    return visit_float(y.dtype, [&](auto zero) {
      using T = decltype(zero);
      const Normalisation normalisation(in.mean, in.deviation);
      const auto* x = in.x.as<uint8_t>();
      // Pieces have whole pixels, so that each begins with the first channel.
      const int64_t channels = in.mean ? in.mean.elements() : 1;
      parallel_for(y.elements(), (kGrain / channels + 1) * channels,
                   [&](int64_t begin, int64_t end) {
                     normalisation.apply(x + begin, {}, y.as<T>() + begin, end - begin);
                   });
    });

  const int64_t elements = y.shape.elements(1, 4);
  visit_float(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(y.shape[0], kGrain / std::max<int64_t>(elements, 1) + 1,
                 [&](int64_t begin, int64_t end) {
                   Preparation preparation(params, in, y.shape);
                   for (int64_t i = begin; i < end; ++i)
                     preparation.prepare(i, y.as<T>() + i * elements);
                 });
  });
}

}  // namespace

void CpuBackend::do_prepare_images(const ImageParams& params, const ImageOperands& in, View y) {
  prepare(params, in, y);
  if (in.pairs) mix_images(in.pairs, in.weights, y);
}

}  // namespace d2l::cpu
