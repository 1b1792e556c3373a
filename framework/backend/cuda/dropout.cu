#include <cmath>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/map.h"

namespace d2l::cuda {
namespace {

// An item is as many of the sequence's blocks of four words as there are elements in 16 bytes.
template <class T>
struct Drop {
  static constexpr int kWide = kPackOf<T>;
  RngKey key;
  const int64_t* step;
  uint64_t first_block;
  int64_t skip;  // words of the first block before the first element
  uint32_t threshold;
  float scale;
  bool packed;
  int64_t count;
  const T* x;
  T* y;

  __device__ void operator()(int64_t item) const {
    const int64_t begin = item * kWide - skip;
    const bool whole = packed && begin + kWide <= count;
    Pack<T, kWide> pack = load_part<kWide>(x, begin, count, whole);
    const RngKey now = key_at(key, step);
    for (int part = 0; part < kWide / 4; ++part) {
      const Random4 words =
          philox(now, first_block + static_cast<uint64_t>(item * (kWide / 4) + part));
      for (int k = 0; k < 4; ++k) {
        T& value = pack.at[4 * part + k];
        // to_unit(word) >= p in integer arithmetic
        const bool kept = (words.word[k] >> 8) >= threshold;
        value = static_cast<T>(kept ? static_cast<float>(value) * scale : 0.0f);
      }
    }
    store_part(pack, y, begin, count, whole);
  }
};

}  // namespace

void CudaBackend::do_dropout(const DropoutParams& params, ConstView x, View y) {
  const auto first = static_cast<uint64_t>(params.first_element);
  const auto skip = static_cast<int64_t>(first % 4);
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Drop<T> drop{.key = params.key,
                       .step = params.step.as<int64_t>(),
                       .first_block = first / 4,
                       .skip = skip,
                       .threshold = static_cast<uint32_t>(std::ceil(params.p * 16777216.0)),
                       .scale = static_cast<float>(1.0 / (1.0 - params.p)),
                       .packed = skip == 0 && are_aligned(16, x.data, y.data),
                       .count = y.elements(),
                       .x = x.as<T>(),
                       .y = y.as<T>()};
    if (drop.count > 0) for_each(queue_, ceil_div(drop.count + skip, Drop<T>::kWide), drop);
  });
}

}  // namespace d2l::cuda
