#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "framework/base/host_device.h"

namespace d2l {

// IEEE 754 binary16: 11 bits of precision, magnitudes from 2^-24 (full precision from 2^-14) to
// 65504. Kernels compute with floats and store activations in this type.
class Float16 {
 public:
  Float16() = default;  // uninitialized; Float16{} is 0
  // Rounds to nearest, ties to even. From 65520 on the result is infinity. NaN stays NaN.
  template <class T>
  requires std::is_convertible_v<T, float> D2L_HOST_DEVICE explicit Float16(T value)
      : bits_(rounded(static_cast<float>(value))) {}

  D2L_HOST_DEVICE operator float() const {  // NOLINT(google-explicit-constructor): exact
#ifdef __CUDA_ARCH__
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits_));
    return value;
#else
    return widened(bits_);
#endif
  }
  D2L_HOST_DEVICE bool operator==(const Float16& other) const {
    return static_cast<float>(*this) == static_cast<float>(other);
  }

 private:
  D2L_HOST_DEVICE static uint16_t rounded(float value) {
#ifdef __CUDA_ARCH__
    uint16_t bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
#else
    return narrowed(value);
#endif
  }

  // Selections instead of branches, so that the compiler can vectorise loops over it.
  static constexpr uint16_t narrowed(float value) {
    const uint32_t all = std::bit_cast<uint32_t>(value);
    const uint32_t sign = all >> 16 & 0x8000u, bits = all & 0x7fffffffu;
    // The exponent's bias changes from 127 to 15. A carry from rounding into the exponent is
    // correct.
    const uint32_t normal = (bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13;
    // Below 2^-14: the addition of 0.5 rounds to a multiple of 2^-24, which is in the sum's lowest
    // bits.
    const uint32_t small =
        std::bit_cast<uint32_t>(std::bit_cast<float>(bits) + 0.5f) - std::bit_cast<uint32_t>(0.5f);
    const uint32_t nan = 0x7e00u | (bits >> 13 & 0x3ffu);
    uint32_t result = bits < 0x38800000u ? small : normal;
    result = bits >= 0x477ff000u ? 0x7c00u : result;
    result = bits > 0x7f800000u ? nan : result;
    return static_cast<uint16_t>(sign | result);
  }

  static constexpr float widened(uint16_t from) {
    const uint32_t sign = (from & 0x8000u) << 16, bits = (from & 0x7fffu) << 13;
    const uint32_t normal = bits + 0x38000000u;
    // A subnormal is a multiple of 2^-24: put it into the lowest bits of 0.5, then subtract 0.5.
    const uint32_t small = std::bit_cast<uint32_t>(
        std::bit_cast<float>((bits >> 13) + std::bit_cast<uint32_t>(0.5f)) - 0.5f);
    uint32_t result = bits < 0x00800000u ? small : normal;
    result = bits >= 0x0f800000u ? bits + 0x70000000u : result;  // infinity and NaN
    return std::bit_cast<float>(sign | result);
  }

  uint16_t bits_;
};

}  // namespace d2l
