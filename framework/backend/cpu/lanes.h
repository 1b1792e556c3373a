#pragma once

#include <cstdint>
#include <cstring>

#include "framework/base/bfloat16.h"

namespace d2l::cpu {

// Whether this processor has AVX-512, whose registers many kernels fill.
inline bool has_wide_vectors() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

// Vectors of fixed width on all machines: the compiler splits them where registers are narrower.
// Functions take them by reference, so that calling conventions do not depend on the width.
using Lanes8 = float __attribute__((vector_size(32)));
using Lanes8i = int32_t __attribute__((vector_size(32)));
using Lanes8u = uint32_t __attribute__((vector_size(32)));
using Lanes8h = uint16_t __attribute__((vector_size(16)));
using Lanes16 = float __attribute__((vector_size(64)));
using Lanes16i = int32_t __attribute__((vector_size(64)));
using Lanes16u = uint32_t __attribute__((vector_size(64)));
using Lanes16h = uint16_t __attribute__((vector_size(32)));

// Loads and stores at any alignment. Always inlined, so that they are compiled for the caller's
// target.
template <class Lanes>
[[gnu::always_inline]] inline void load(Lanes& lanes, const void* from) {
  std::memcpy(&lanes, from, sizeof lanes);
}
template <class Lanes>
[[gnu::always_inline]] inline void store(const Lanes& lanes, void* to) {
  std::memcpy(to, &lanes, sizeof lanes);
}

// The same for elements of another type, which are converted to or from floats.
[[gnu::always_inline]] inline void load(Lanes8& lanes, const float* from) {
  std::memcpy(&lanes, from, sizeof lanes);
}
[[gnu::always_inline]] inline void load(Lanes8& lanes, const Bfloat16* from) {
  Lanes8h halves;
  std::memcpy(&halves, from, sizeof halves);
  lanes = reinterpret_cast<Lanes8>(__builtin_convertvector(halves, Lanes8u) << 16);
}
[[gnu::always_inline]] inline void load(Lanes16& lanes, const float* from) {
  std::memcpy(&lanes, from, sizeof lanes);
}
[[gnu::always_inline]] inline void load(Lanes16& lanes, const Bfloat16* from) {
  Lanes16h halves;
  std::memcpy(&halves, from, sizeof halves);
  lanes = reinterpret_cast<Lanes16>(__builtin_convertvector(halves, Lanes16u) << 16);
}
[[gnu::always_inline]] inline void store(const Lanes16& lanes, float* to) {
  std::memcpy(to, &lanes, sizeof lanes);
}
// GCC 12 compares vectors of 64 bytes element by element. So this and relu() below compare with
// integer arithmetic: `nan` is 1 where a lane is NaN.
[[gnu::always_inline]] inline void find_nan(const Lanes16u& bits, Lanes16u& nan) {
  nan = ((bits & 0x7fffffffu) + 0x007fffffu) >> 31;
}
[[gnu::always_inline]] inline void store(const Lanes16& lanes, Bfloat16* to) {
  const Lanes16u bits = reinterpret_cast<Lanes16u>(lanes);
  Lanes16u nan;
  find_nan(bits, nan);
  const Lanes16u rounded = bits + ((0x7fffu + (bits >> 16 & 1u)) & (nan - 1u));  // NaN stays NaN
  const Lanes16h halves = __builtin_convertvector((rounded | nan << 22) >> 16, Lanes16h);
  std::memcpy(static_cast<void*>(to), &halves, sizeof halves);
}

// max(lanes, 0); NaN stays NaN.
[[gnu::always_inline]] inline void relu(Lanes16& lanes) {
  const Lanes16u bits = reinterpret_cast<Lanes16u>(lanes);
  Lanes16u nan;
  find_nan(bits, nan);
  lanes = reinterpret_cast<Lanes16>(bits & (((bits >> 31) - 1u) | (0u - nan)));
}

// Copies and converts a row of a few vectors, floats or Bfloat16; faster than a call of memcpy.
template <class From, class To>
[[gnu::always_inline]] inline void copy_row(const From* from, int64_t count, To* to) {
  if (count < 16) {
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<To>(from[i]);
    return;
  }
  Lanes16 lanes;
  for (int64_t i = 0; i < count - 16; i += 16) load(lanes, from + i), store(lanes, to + i);
  load(lanes, from + count - 16), store(lanes, to + count - 16);
}

}  // namespace d2l::cpu
