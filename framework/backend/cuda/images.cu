#include "framework/backend/cuda/cuda_backend.h"
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

}  // namespace

void CudaBackend::do_prepare_images(const ImageParams& params, const ImageOperands& in, View y) {
  const int64_t count = y.elements();
  if (count == 0) return;
  visit_float(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto* x = in.x.as<uint8_t>();
    constexpr int64_t kWide = kPackOf<T>;
    const bool packed = are_aligned(16, y.data);
    if (!params.augmentation.augments() && !in.mean) {
      const Scale<T> scale{x, y.as<T>(), count, packed && are_aligned(kWide, x)};
      return for_each(queue_, ceil_div(count, kWide), scale);
    }
    const Prepare<T> prepare{.variations = images::Variations(params),
                             .augments = params.augmentation.augments(),
                             .size = {y.shape[1], y.shape[2], y.shape[3]},
                             .x = x,
                             .samples = in.samples.as<int64_t>(),
                             .mean = in.mean.as<float>(),
                             .deviation = in.deviation.as<float>(),
                             .y = y.as<T>(),
                             .count = count,
                             .packed = packed};
    for_each(queue_, ceil_div(count, kWide), prepare);
  });
}

}  // namespace d2l::cuda
