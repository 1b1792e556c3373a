#pragma once

#include "framework/base/rng.h"

namespace d2l {

// A batch of a key's endless sequence: what random_word() answers, many at a time.
struct RandomWords {
  static constexpr int64_t kBlocks = 64;  // of philox
  static constexpr int64_t kWords = 4 * kBlocks;

  // The words [4 first_block, 4 first_block + kWords). To be called in a D2L_SIMD function
  // (framework/base/simd.h), which makes it several times as fast.
  [[gnu::always_inline]] void fill(RngKey key, uint64_t first_block) {
    alignas(64) uint32_t columns[4][kBlocks];
    for (int64_t i = 0; i < kBlocks; ++i) {
      const Random4 block = philox(key, first_block + static_cast<uint64_t>(i));
      columns[0][i] = block.word[0];
      columns[1][i] = block.word[1];
      columns[2][i] = block.word[2];
      columns[3][i] = block.word[3];
    }
    for (int64_t i = 0; i < kBlocks; ++i)
      for (int64_t k = 0; k < 4; ++k) word[4 * i + k] = columns[k][i];
  }

  alignas(64) uint32_t word[kWords];
};

}  // namespace d2l
