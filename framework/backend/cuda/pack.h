#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "framework/base/dtype.h"

namespace d2l::cuda {

// Adjacent elements that a thread reads or writes with one instruction of up to 16 bytes.
template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  T at[kCount];
};

// Loads a whole pack; the address must be a multiple of its size.
template <int kCount, class T>
__device__ Pack<T, kCount> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, kCount>*>(from);
}
template <class T, int kCount>
__device__ void store_pack(const Pack<T, kCount>& pack, T* to) {
  *reinterpret_cast<Pack<T, kCount>*>(to) = pack;
}

// The number of elements in 16 bytes.
template <class T>
inline constexpr int kPackOf = static_cast<int>(16 / sizeof(T));

// Whether these addresses are aligned for packs of `bytes` bytes.
template <class... Pointers>
bool are_aligned(size_t bytes, const Pointers*... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % bytes == 0) && ...);
}

// Calls visitor(T{}) with the type of activations: float, Bfloat16 or Float16.
template <class Visitor>
void visit_float(DType dtype, Visitor&& visitor) {
  if (dtype == DType::bf16) return visitor(Bfloat16{});
  if (dtype == DType::f16) return visitor(Float16{});
  check(dtype == DType::f32, "expected f32, bf16 or f16, found ", to_string(dtype));
  visitor(float{});
}

// Calls visitor(X{}, Y{}) with the types of two arrays of activations. One may be f32; two
// different 16-bit types are not supported.
template <class Visitor>
void visit_floats(DType x, DType y, Visitor&& visitor) {
  visit_float(x, [&](auto x_zero) {
    using X = decltype(x_zero);
    if (x == y) return visitor(x_zero, x_zero);
    if constexpr (std::is_same_v<X, float>) {
      visit_float(y, [&](auto y_zero) {
        if constexpr (!std::is_same_v<decltype(y_zero), float>) visitor(x_zero, y_zero);
      });
    } else {
      check(y == DType::f32, "expected ", to_string(x), " or f32, found ", to_string(y));
      visitor(x_zero, float{});
    }
  });
}

}  // namespace d2l::cuda
