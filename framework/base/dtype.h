#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace d2l {

// What a tensor's elements are. Arithmetic is done on f32; the integers hold labels, indices and
// stored images; f64 holds sums that travel between ranks.
enum class DType : uint8_t { f32, f64, i32, i64, u8 };

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

}  // namespace d2l
