#include "framework/base/rng.h"

#include <cmath>
#include <numbers>

namespace d2l {

float random_normal(RngKey key, uint64_t index) {
  Random4 words = philox(key, index);
  // (0, 1]: the logarithm of zero does not exist
  double u = (static_cast<double>(words.word[0]) + 1.0) / 4294967296.0;
  double v = static_cast<double>(words.word[1]) / 4294967296.0;
  return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
}

uint64_t random_below(RngKey key, uint64_t index, uint64_t bound) {
  Random4 words = philox(key, index);
  uint64_t random = (static_cast<uint64_t>(words.word[0]) << 32) | words.word[1];
  __extension__ using Uint128 = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Uint128>(random) * bound) >> 64);
}

}  // namespace d2l
