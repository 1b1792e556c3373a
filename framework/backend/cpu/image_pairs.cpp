#include "framework/backend/cpu/image_pairs.h"

#include <algorithm>

#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/image_pairs.h"

namespace d2l::cpu {
namespace {

using images::ImagePair;

// Where an image and its partner begin. `both`: the partner changes too.
template <class T>
struct TwoImages {
  T *one, *other;
  bool both;
};

template <class T>
D2L_SIMD void average_both(T* one, T* other, float weight, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const auto a = static_cast<float>(one[i]), b = static_cast<float>(other[i]);
    one[i] = static_cast<T>(images::averaged(a, b, weight));
    other[i] = static_cast<T>(images::averaged(b, a, weight));
  }
}

template <class T>
D2L_SIMD void average_one(T* one, const T* other, float weight, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    one[i] = static_cast<T>(
        images::averaged(static_cast<float>(one[i]), static_cast<float>(other[i]), weight));
}

template <class T>
void exchange(const ImagePair& pair, const Shape& shape, const TwoImages<T>& images) {
  const int64_t channels = shape[3], count = (pair.right - pair.left) * channels;
  for (int64_t row = pair.top; row < pair.bottom; ++row) {
    const int64_t at = (row * shape[2] + pair.left) * channels;
    if (images.both)
      std::swap_ranges(images.one + at, images.one + at + count, images.other + at);
    else
      std::copy_n(images.other + at, count, images.one + at);
  }
}

template <class T>
void mix_pair(const ImagePair& pair, float weight, const Shape& shape, const TwoImages<T>& images) {
  const int64_t elements = shape.elements(1, 4);
  if (pair.has_rectangle()) return exchange(pair, shape, images);
  if (images.both) return average_both(images.one, images.other, weight, elements);
  average_one(images.one, images.other, weight, elements);
}

}  // namespace

void mix_images(ConstView pairs, ConstView weights, View x) {
  const int64_t elements = x.shape.elements(1, 4), count = pairs.shape[0];
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(count, kGrain / std::max<int64_t>(elements, 1) + 1,
                 [&](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const ImagePair pair = ImagePair::of(pairs.as<int64_t>(), i);
                     if (pair.partner <= i) continue;  // its partner changes it
                     mix_pair<T>(pair, weights.as<float>()[i], x.shape,
                                 {x.as<T>() + i * elements, x.as<T>() + pair.partner * elements,
                                  pair.partner < count});
                   }
                 });
  });
}

}  // namespace d2l::cpu
