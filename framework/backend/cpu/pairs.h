#pragma once

#include <cstdint>

#include "framework/base/bfloat16.h"

// The instruction for bf16 multiplies two pairs of them and adds both products to an f32. What the
// kernels for bf16 have in common: memory in which the two factors of a lane lie together.

#if defined(__x86_64__)
#define D2L_PAIRS __attribute__((target("arch=x86-64-v4,avx512bf16")))
#else
#define D2L_PAIRS
#endif

namespace d2l::cpu {

using Pair = uint32_t;
constexpr int64_t kPairLanes = 16;

// Whether this machine has that instruction.
bool has_pairs();

// Pairs of pixels as [channels / kPairLanes, pixels, kPairLanes]; channels are a multiple of it.
struct Pairs {
  int64_t channels, pixels;
  Pair* data;

  Pair* panel(int64_t channel) const { return data + channel * pixels; }
};

// Pixels with all their channels, `step` elements apart (0: always the same one).
struct PixelRow {
  const Bfloat16* data;
  int64_t step;
};

// Pairs [pixel, pixel + count) are those of the two rows' pixels.
void interleave(PixelRow first, PixelRow second, int64_t count, const Pairs& pairs, int64_t pixel);

// sums[channel] += both elements of `count` pairs, for the channels of one panel.
void add_pairs(const Pair* panel, int64_t count, float* sums);

}  // namespace d2l::cpu
