#include "framework/backend/cpu/floats.h"

#include "framework/backend/cpu/convolution/bf16_pairs/pairs.h"
#include "framework/backend/cpu/lanes.h"
#include "framework/base/simd.h"

namespace d2l::cpu {
namespace {

D2L_SIMD void round_row(const float* from, int64_t count, Bfloat16* to) {
  copy_row(from, count, to);
}

#if defined(__x86_64__)
// Processors with AVX-512 BF16 have an instruction for this conversion.
D2L_PAIRS void round_row_at_once(const float* from, int64_t count, Bfloat16* to) {
  const auto round = [&](int64_t i) D2L_PAIRS {
    const __m256bh half = _mm512_cvtneps_pbh(_mm512_loadu_ps(from + i));
    std::memcpy(static_cast<void*>(to + i), &half, sizeof half);
  };
  for (int64_t i = 0; i < count - kPairLanes; i += kPairLanes) round(i);
  round(count - kPairLanes);
}
#else
void round_row_at_once(const float*, int64_t, Bfloat16*) {}
#endif

}  // namespace

D2L_SIMD void convert(const Bfloat16* from, int64_t count, float* to) { copy_row(from, count, to); }

void convert(const float* from, int64_t count, Bfloat16* to) {
  if (has_pairs() && count >= kPairLanes) return round_row_at_once(from, count, to);
  round_row(from, count, to);
}

}  // namespace d2l::cpu
