#include <cmath>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/base/random_words.h"

namespace d2l::cpu {
namespace {

constexpr int64_t kWords = RandomWords::kWords;

// to_unit(word) >= p in integer arithmetic: (word >> 8) >= threshold.
struct Mask {
  RngKey key;
  uint32_t threshold;
  float scale;
};

// x[0] uses word number `first` of the sequence.
template <class T>
D2L_SIMD void dropout_run(const Mask& mask, uint64_t first, const T* x, T* y, int64_t count) {
  const uint32_t threshold = mask.threshold;
  const float scale = mask.scale;
  RandomWords words;
  int64_t skip = static_cast<int64_t>(first % 4);
  for (int64_t done = 0; done < count;) {
    words.fill(mask.key, (first + static_cast<uint64_t>(done)) / 4);
    const int64_t part = std::min(kWords - skip, count - done);
    const uint32_t* word = words.word + skip;
    const T* from = x + done;
    T* to = y + done;
#pragma GCC ivdep
    for (int64_t i = 0; i < part; ++i)
      to[i] =
          static_cast<T>((word[i] >> 8) >= threshold ? static_cast<float>(from[i]) * scale : 0.0f);
    done += part;
    skip = 0;
  }
}

}  // namespace

void CpuBackend::do_dropout(const DropoutParams& params, ConstView x, View y) {
  const Mask mask{key_at(params.key, params.step.as<int64_t>()),
                  static_cast<uint32_t>(std::ceil(params.p * 16777216.0)),
                  static_cast<float>(1.0 / (1.0 - params.p))};
  const uint64_t first = static_cast<uint64_t>(params.first_element);
  // Pieces end at the end of a batch of words, so that no Philox block is computed twice.
  constexpr int64_t kPiece = kGrain / 2;
  static_assert(kPiece % kWords == 0);
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(y.elements(), kPiece, [&](int64_t begin, int64_t end) {
      dropout_run(mask, first + static_cast<uint64_t>(begin), x.as<T>() + begin, y.as<T>() + begin,
                  end - begin);
    });
  });
}

}  // namespace d2l::cpu
