#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "framework/base/bfloat16.h"
#include "framework/base/dtype.h"

namespace d2l::cuda {

// Neighbours that a thread reads or writes with one instruction of up to 16 bytes.
template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  T at[kCount];
};

// Whole packs; the address is a multiple of their size.
template <int kCount, class T>
__device__ Pack<T, kCount> load_pack(const T* from) {
  return *reinterpret_cast<const Pack<T, kCount>*>(from);
}
template <class T, int kCount>
__device__ void store_pack(const Pack<T, kCount>& pack, T* to) {
  *reinterpret_cast<Pack<T, kCount>*>(to) = pack;
}

// How many T make 16 bytes.
template <class T>
inline constexpr int kPackOf = static_cast<int>(16 / sizeof(T));

// Whether packs of `bytes` may begin at these addresses.
template <class... Pointers>
bool are_aligned(size_t bytes, const Pointers*... pointers) {
  return ((reinterpret_cast<uintptr_t>(pointers) % bytes == 0) && ...);
}

// Calls visitor(T{}) with the type of activations: float or Bfloat16.
template <class Visitor>
void visit_float(DType dtype, Visitor&& visitor) {
  if (dtype == DType::bf16) return visitor(Bfloat16{});
  check(dtype == DType::f32, "expected f32 or bf16, found ", to_string(dtype));
  visitor(float{});
}

}  // namespace d2l::cuda
