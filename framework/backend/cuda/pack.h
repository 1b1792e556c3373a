#pragma once

#include <cstdint>

#include "framework/base/bfloat16.h"
#include "framework/base/dtype.h"

namespace d2l::cuda {

// Neighbours that a thread reads or writes with one instruction of up to 16 bytes.
template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  T at[kCount];
};

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
