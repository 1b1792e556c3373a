#include "framework/backend/cpu/convolution/image_sums.h"

#include "framework/backend/cpu/parallel.h"

namespace d2l::cpu {

D2L_SIMD void add(const float* values, int64_t count, float* sums) {
  for (int64_t i = 0; i < count; ++i) sums[i] += values[i];
}

void unpack_sums(const ConvolutionShape& s, const float* sums, float* grad_weight,
                 float* grad_bias) {
  constexpr int64_t kLanes = 16;
  const int64_t window = s.kernel_height * s.taps();
  for (int64_t o = 0; o < s.out; ++o)
    for (int64_t k = 0; k < window; ++k)
      grad_weight[o * window + k] = sums[(o / kLanes * window + k) * kLanes + o % kLanes];
  if (grad_bias != nullptr) std::copy_n(sums + s.out * window, s.out, grad_bias);
}

Scratch<float> sum_over_images(int64_t images, MemoryPool& pool, int64_t size,
                               const std::function<void(int64_t n, float* sums)>& add_image) {
  constexpr int64_t kMostPieces = 64;
  const int64_t images_of_piece = (images + kMostPieces - 1) / kMostPieces;
  const int64_t pieces = (images + images_of_piece - 1) / images_of_piece;
  Scratch<float> sums(pool, pieces * size);
  parallel_for(pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      float* mine = sums.data() + piece * size;
      std::fill(mine, mine + size, 0.0f);
      const int64_t last = std::min(images, (piece + 1) * images_of_piece);
      for (int64_t n = piece * images_of_piece; n < last; ++n) add_image(n, mine);
    }
  });
  for (int64_t piece = 1; piece < pieces; ++piece)
    add(sums.data() + piece * size, size, sums.data());
  return sums;
}

}  // namespace d2l::cpu
