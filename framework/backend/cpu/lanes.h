#pragma once

#include <cstdint>
#include <cstring>

namespace d2l::cpu {

// Vectors of fixed width, whatever the machine has: the compiler splits them where registers are
// narrower. Functions take them by reference, so that no call depends on the width.
using Lanes8 = float __attribute__((vector_size(32)));
using Lanes8i = int32_t __attribute__((vector_size(32)));
using Lanes16 = float __attribute__((vector_size(64)));
using Lanes16i = int32_t __attribute__((vector_size(64)));

// Loads and stores at any alignment; always inlined, to be compiled for the caller's machine.
template <class Lanes>
[[gnu::always_inline]] inline void load(Lanes& lanes, const void* from) {
  std::memcpy(&lanes, from, sizeof lanes);
}
template <class Lanes>
[[gnu::always_inline]] inline void store(const Lanes& lanes, void* to) {
  std::memcpy(to, &lanes, sizeof lanes);
}

// Copies a row of some vectors' length; a call of memcpy takes longer.
[[gnu::always_inline]] inline void copy_row(const float* from, int64_t count, float* to) {
  if (count < 16) {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
    return;
  }
  Lanes16 lanes;
  for (int64_t i = 0; i < count - 16; i += 16) load(lanes, from + i), store(lanes, to + i);
  load(lanes, from + count - 16), store(lanes, to + count - 16);
}

}  // namespace d2l::cpu
