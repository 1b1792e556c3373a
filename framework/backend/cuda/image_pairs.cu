#include "framework/backend/cuda/image_pairs.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/map.h"
#include "framework/backend/image_pairs.h"

namespace d2l::cuda {
namespace {

using images::ImagePair;

// An item is 16 bytes of an image and the same part of its partner.
template <class T>
struct MixPairs {
  static constexpr int kWide = kPackOf<T>;
  const int64_t* pairs;
  const float* weights;
  T* x;
  int64_t images, width, channels;
  int64_t elements, items;  // of an image
  bool packed;

  __device__ void mix(const ImagePair& pair, float weight, int64_t element, T& one,
                      T& other) const {
    if (!pair.has_rectangle()) {
      const auto a = static_cast<float>(one), b = static_cast<float>(other);
      one = static_cast<T>(images::averaged(a, b, weight));
      other = static_cast<T>(images::averaged(b, a, weight));
      return;
    }
    const int64_t pixel = element / channels;
    if (!pair.contains(pixel / width, pixel % width)) return;
    const T before = one;
    one = other;
    other = before;
  }

  __device__ void operator()(int64_t item) const {
    const int64_t image = item / items, begin = item % items * kWide;
    const ImagePair pair = ImagePair::of(pairs, image);
    if (pair.partner <= image) return;  // its partner changes it
    T *one = x + image * elements, *other = x + pair.partner * elements;
    const bool whole = packed && begin + kWide <= elements;
    Pack<T, kWide> of_one = load_part<kWide>(one, begin, elements, whole);
    Pack<T, kWide> of_other = load_part<kWide>(other, begin, elements, whole);
    for (int k = 0; k < kWide; ++k)
      mix(pair, weights[image], begin + k, of_one.at[k], of_other.at[k]);
    store_part(of_one, one, begin, elements, whole);
    if (pair.partner < images) store_part(of_other, other, begin, elements, whole);
  }
};

}  // namespace

void mix_images(const Queue& queue, ConstView pairs, ConstView weights, View x) {
  const int64_t elements = x.shape.elements(1, 4), images = pairs.shape[0];
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int64_t kWide = kPackOf<T>;
    const MixPairs<T> mix{.pairs = pairs.as<int64_t>(),
                          .weights = weights.as<float>(),
                          .x = x.as<T>(),
                          .images = images,
                          .width = x.shape[2],
                          .channels = x.shape[3],
                          .elements = elements,
                          .items = ceil_div(elements, kWide),
                          .packed = elements % kWide == 0 && are_aligned(16, x.data)};
    for_each(queue, images * mix.items, mix);
  });
}

}  // namespace d2l::cuda
