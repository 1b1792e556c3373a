#pragma once

#include "framework/base/rng.h"

namespace d2l {

// A batch of random_word()s: consecutive words of a key's sequence.
struct RandomWords {
  static constexpr int64_t kBlocks = 64;  // Philox blocks
  static constexpr int64_t kWords = 4 * kBlocks;

  // Fills `word` with words [4 first_block, 4 first_block + kWords). Call it in a D2L_SIMD function
  // (framework/base/simd.h): this makes it several times as fast.
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
