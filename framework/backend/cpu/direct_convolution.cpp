#include "framework/backend/cpu/direct_convolution.h"

#include "framework/backend/cpu/parallel.h"

namespace d2l::cpu {

D2L_SIMD void add(const float* values, int64_t count, float* sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += values[i];
}

void unpack_sums(const DirectConvolution& s, const float* sums, float* grad_weight,
                 float* grad_bias) {
  constexpr int64_t kLanes = 16;
  const int64_t window = s.kernel_height * s.taps();
  for (int64_t o = 0; o < s.out; ++o)
    for (int64_t k = 0; k < window; ++k)
      grad_weight[o * window + k] = sums[(o / kLanes * window + k) * kLanes + o % kLanes];
  if (grad_bias != nullptr) std::copy_n(sums + s.out * window, s.out, grad_bias);
}

bool has_wide_vectors() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

Scratch<float> sum_over_images(const DirectConvolution& s, MemoryPool& pool, int64_t size,
                               const std::function<void(int64_t n, float* sums)>& add_image) {
  int64_t pieces = (s.images + s.images_per_sum() - 1) / s.images_per_sum();
  Scratch<float> sums(pool, pieces * size);
  parallel_for(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      float* mine = sums.data() + piece * size;
      std::fill(mine, mine + size, 0.0f);
      int64_t last = std::min(s.images, (piece + 1) * s.images_per_sum());
      for (int64_t n = piece * s.images_per_sum(); n < last; ++n) add_image(n, mine);
    }
  });
  for (int64_t piece = 1; piece < pieces; ++piece)
    add(sums.data() + piece * size, size, sums.data());
  return sums;
}

}  // namespace d2l::cpu
