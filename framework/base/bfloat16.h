#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "framework/base/host_device.h"

namespace d2l {

// bf16, the upper half of a float: the range of f32 with 8 bits of precision. Kernels compute with
// floats and store activations in this type.
class Bfloat16 {
 public:
  Bfloat16() = default;  // uninitialized; Bfloat16{} is 0
  // Rounds to nearest, ties to even. NaN stays NaN; on a GPU it loses its sign and payload.
  template <class T>
  requires std::is_convertible_v<T, float> D2L_HOST_DEVICE explicit constexpr Bfloat16(T value)
      : bits_(rounded(static_cast<float>(value))) {}

  D2L_HOST_DEVICE constexpr operator float() const {  // NOLINT(google-explicit-constructor): exact
    return std::bit_cast<float>(static_cast<uint32_t>(bits_) << 16);
  }
  D2L_HOST_DEVICE constexpr bool operator==(const Bfloat16& other) const {
    return static_cast<float>(*this) == static_cast<float>(other);
  }

 private:
  D2L_HOST_DEVICE static constexpr uint16_t rounded(float value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    uint16_t bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
#else
    const uint32_t bits = std::bit_cast<uint32_t>(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
    return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
#endif
  }

  uint16_t bits_;
};

}  // namespace d2l
