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

}  // namespace d2l::cpu
