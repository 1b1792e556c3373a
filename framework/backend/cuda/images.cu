#include "framework/backend/cuda/block_sum.h"
#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/image_pairs.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/map.h"
#include "framework/backend/images.h"

namespace d2l::cuda {
namespace {

template <class T>
struct Scale {
  const uint8_t* x;
  T* y;
  int64_t count;
  bool packed;
  static constexpr int kWide = kPackOf<T>;

  __device__ void operator()(int64_t item) const {
    const int64_t begin = item * kWide;
    const bool whole = packed && begin + kWide <= count;
    const Pack<uint8_t, kWide> in = load_part<kWide>(x, begin, count, whole);
    Pack<T, kWide> out;
    for (int k = 0; k < kWide; ++k) out.at[k] = static_cast<T>(images::scaled(in.at[k], {}));
    store_part(out, y, begin, count, whole);
  }
};

struct Sizes {
  int64_t height, width, channels;
};

// An item is 16 bytes of y; its pixels come from any position of the image, as the crop says.
template <class T>
struct Prepare {
  static constexpr int kWide = kPackOf<T>;
  images::Variations variations;
  bool augments;
  Sizes size;
  const uint8_t* x;
  const int64_t* samples;
  const float *mean, *deviation;  // both may be nullptr
  T* y;
  int64_t count;
  bool packed;

  struct ElementPosition {
    int64_t image, row, column, channel;
  };
  __device__ ElementPosition position_of(int64_t element) const {
    const int64_t pixel = element / size.channels, line = pixel / size.width;
    return {line / size.height, line % size.height, pixel % size.width, element % size.channels};
  }
  // Moves to the next element; returns whether it belongs to another image.
  __device__ bool advance(ElementPosition& at) const {
    if (++at.channel < size.channels) return false;
    at.channel = 0;
    if (++at.column < size.width) return false;
    at.column = 0;
    if (++at.row < size.height) return false;
    at.row = 0;
    ++at.image;
    return true;
  }
  __device__ images::Variation variation_of(int64_t image) const {
    return augments ? variations.of(samples[image]) : images::Variation{};
  }
  __device__ uint8_t byte(const ElementPosition& at, const images::Variation& variation) const {
    const int64_t row = at.row + variation.down;
    const int64_t column =
        (variation.mirrored ? size.width - 1 - at.column : at.column) + variation.right;
    const bool inside = row >= 0 && row < size.height && column >= 0 && column < size.width;
    if (!inside) return 0;
    return x[((at.image * size.height + row) * size.width + column) * size.channels + at.channel];
  }

  __device__ void operator()(int64_t item) const {
    const int64_t begin = item * kWide;
    ElementPosition at = position_of(begin);
    images::Variation variation = variation_of(at.image);
    Pack<T, kWide> pack{};
    for (int k = 0; k < kWide && begin + k < count; ++k) {
      const uint8_t value = byte(at, variation);
      pack.at[k] =
          static_cast<T>(mean == nullptr ? images::scaled(value, variation)
                                         : images::normalised(value, variation, mean[at.channel],
                                                              deviation[at.channel]));
      if (advance(at) && begin + k + 1 < count) variation = variation_of(at.image);
    }
    store_part(pack, y, begin, count, packed && begin + kWide <= count);
  }
};

// A block prepares an image: changes of colours and erased rectangles. If one of the changes is
// that of contrast, the pixels are read twice, first for their mean grey.
template <class T>
struct PrepareWhole {
  Prepare<T> prepare;
  bool changes_colours, erases;

  struct Pixel {
    float red, green, blue;
  };

  // Applies the steps [begin, end) of `change`.
  __device__ void change_steps(const images::ColourChange& change, int begin, int end, float grey,
                               Pixel& pixel) const {
    using images::ColourStep;
    auto& [red, green, blue] = pixel;
    for (int i = begin; i < end; ++i) {
      const ColourStep step = change.step(i);
      if (step == ColourStep::brightness) {
        red = images::brightened(red, change.brightness);
        green = images::brightened(green, change.brightness);
        blue = images::brightened(blue, change.brightness);
      } else if (step == ColourStep::contrast) {
        red = images::stretched(red, grey, change.contrast);
        green = images::stretched(green, grey, change.contrast);
        blue = images::stretched(blue, grey, change.contrast);
      } else if (step == ColourStep::saturation) {
        images::saturate(red, green, blue, change.saturation);
      } else {
        images::turn_hue(red, green, blue, change.turn);
      }
    }
  }

  // One or three channels.
  __device__ Pixel load(typename Prepare<T>::ElementPosition at,
                        const images::Variation& variation) const {
    const auto value = [&](int64_t channel) {
      at.channel = channel;
      return images::scaled(prepare.byte(at, variation), variation);
    };
    if (prepare.size.channels == 1) return {value(0), 0, 0};
    return {value(0), value(1), value(2)};
  }

  // The first channel of a pixel.
  __device__ typename Prepare<T>::ElementPosition position(int64_t image, int64_t pixel) const {
    const auto index = static_cast<uint32_t>(pixel),
               width = static_cast<uint32_t>(prepare.size.width);
    return {image, index / width, index % width, 0};
  }

  __device__ float mean_grey(int64_t image, const images::Variation& variation,
                             const images::ColourChange& change, int contrast) const {
    const int64_t pixels = prepare.size.height * prepare.size.width;
    unsigned long long units = 0;
    for (int64_t i = threadIdx.x; i < pixels; i += blockDim.x) {
      Pixel pixel = load(position(image, i), variation);
      change_steps(change, 0, contrast, 0, pixel);
      const auto& [red, green, blue] = pixel;
      units +=
          images::grey_units(prepare.size.channels == 1 ? red : images::grey_of(red, green, blue));
    }
    return images::mean_grey(static_cast<int64_t>(block_all(units, Plus{}, 0ull)), pixels);
  }

  __device__ void store(int64_t element, int64_t channel, float value) const {
    prepare.y[element] =
        static_cast<T>(prepare.mean == nullptr ? value
                                               : images::normalised(value, prepare.mean[channel],
                                                                    prepare.deviation[channel]));
  }

  __device__ void operator()(int64_t image) const {
    const auto [height, width, channels] = prepare.size;
    const int64_t sample = prepare.samples[image], pixels = height * width;
    const images::Variation variation = prepare.variations.of(sample);
    images::ColourChange change;
    if (changes_colours) change = prepare.variations.colours_of(sample);
    images::Erased erased;
    if (erases) erased = prepare.variations.erased_of(sample, height, width);
    float grey = 0;
    for (int i = 0; i < change.count; ++i)
      if (change.step(i) == images::ColourStep::contrast)
        grey = mean_grey(image, variation, change, i);

    for (int64_t i = threadIdx.x; i < pixels; i += blockDim.x) {
      typename Prepare<T>::ElementPosition at = position(image, i);
      const int64_t element = (image * pixels + i) * channels;
      if (erased.contains(at.row, at.column)) {
        for (int64_t c = 0; c < channels; ++c) prepare.y[element + c] = static_cast<T>(0.0f);
      } else if (changes_colours) {
        Pixel pixel = load(at, variation);
        change_steps(change, 0, change.count, grey, pixel);
        store(element, 0, pixel.red);
        if (channels == 1) continue;
        store(element + 1, 1, pixel.green);
        store(element + 2, 2, pixel.blue);
      } else {
        for (at.channel = 0; at.channel < channels; ++at.channel)
          store(element + at.channel, at.channel,
                images::scaled(prepare.byte(at, variation), variation));
      }
    }
  }
};

template <class T>
__global__ void __launch_bounds__(kThreads) prepare_whole_kernel(PrepareWhole<T> prepare) {
  prepare(blockIdx.x);
}

void prepare(const Queue& queue, const ImageParams& params, const Backend::ImageOperands& in,
             View y) {
  const int64_t count = y.elements();
  if (count == 0) return;
  const Augmentation& augmentation = params.augmentation;
  visit_float(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto* x = in.x.as<uint8_t>();
    constexpr int64_t kWide = kPackOf<T>;
    const bool packed = are_aligned(16, y.data);
    if (!augmentation.augments() && !in.mean) {
      const Scale<T> scale{x, y.as<T>(), count, packed && are_aligned(kWide, x)};
      return for_each(queue, ceil_div(count, kWide), scale);
    }
    const Prepare<T> prepare{.variations = images::Variations(params),
                             .augments = augmentation.augments(),
                             .size = {y.shape[1], y.shape[2], y.shape[3]},
                             .x = x,
                             .samples = in.samples.as<int64_t>(),
                             .mean = in.mean.as<float>(),
                             .deviation = in.deviation.as<float>(),
                             .y = y.as<T>(),
                             .count = count,
                             .packed = packed};
    if (!augmentation.mixes_values() && augmentation.erasing == 0)
      return for_each(queue, ceil_div(count, kWide), prepare);
    const PrepareWhole<T> whole{prepare, augmentation.mixes_values(), augmentation.erasing > 0};
    launch(queue, static_cast<unsigned>(y.shape[0]), kThreads, prepare_whole_kernel<T>, whole);
  });
}

}  // namespace

void CudaBackend::do_prepare_images(const ImageParams& params, const ImageOperands& in, View y) {
  prepare(queue_, params, in, y);
  if (in.pairs) mix_images(queue_, in.pairs, in.weights, y);
}

}  // namespace d2l::cuda
