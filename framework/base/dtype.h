#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "framework/base/bfloat16.h"
#include "framework/base/error.h"
#include "framework/base/float16.h"

namespace d2l {

// The type of a tensor's elements. Kernels compute in f32. bf16 and f16 store activations in half
// the memory. The integer types hold labels, indices and stored images. f64 holds sums that ranks
// exchange.
enum class DType : uint8_t { f32, f64, i32, i64, u8, bf16, f16 };

size_t size_of(DType dtype);                // bytes per element
std::string to_string(DType dtype);         // "f32"
DType dtype_from(const std::string& text);  // throws Error for an unknown name

template <class T>
constexpr DType dtype_of();
template <>
constexpr DType dtype_of<float>() {
  return DType::f32;
}
template <>
constexpr DType dtype_of<double>() {
  return DType::f64;
}
template <>
constexpr DType dtype_of<int32_t>() {
  return DType::i32;
}
template <>
constexpr DType dtype_of<int64_t>() {
  return DType::i64;
}
template <>
constexpr DType dtype_of<uint8_t>() {
  return DType::u8;
}
template <>
constexpr DType dtype_of<Bfloat16>() {
  return DType::bf16;
}

template <>
constexpr DType dtype_of<Float16>() {
  return DType::f16;
}

// Whether this is a 16-bit activation type.
constexpr bool is_half(DType dtype) { return dtype == DType::bf16 || dtype == DType::f16; }

// Calls visitor(T{}) with the C++ type of `dtype`.
template <class Visitor>
void visit_type(DType dtype, Visitor&& visitor) {
  switch (dtype) {
    case DType::f32:
      return visitor(float{});
    case DType::f64:
      return visitor(double{});
    case DType::i32:
      return visitor(int32_t{});
    case DType::i64:
      return visitor(int64_t{});
    case DType::u8:
      return visitor(uint8_t{});
    case DType::bf16:
      return visitor(Bfloat16{});
    case DType::f16:
      return visitor(Float16{});
  }
  fail("unknown dtype ", static_cast<int>(dtype));
}

}  // namespace d2l
