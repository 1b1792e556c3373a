#pragma once

#include <type_traits>

#include "framework/base/dtype.h"

namespace d2l::cpu {

// Calls body(T{}) with what activations and their gradients are stored as: float or Bfloat16.
template <class Body>
void visit_float(DType dtype, const Body& body) {
  if (dtype == DType::bf16) return body(Bfloat16{});
  check(dtype == DType::f32, "expected f32 or bf16, found ", to_string(dtype));
  body(float{});
}

// `count` elements of the one type become the other's, on the calling thread.
void convert(const Bfloat16* from, int64_t count, float* to);
void convert(const float* from, int64_t count, Bfloat16* to);

// For kernels that compute on floats in the cache: elements themselves, where they are floats, or
// `memory` with what they are worth.
template <class T>
const float* as_floats(const T* elements, int64_t count, float* memory) {
  if constexpr (std::is_same_v<T, float>)
    return elements;
  else
    return convert(elements, count, memory), memory;
}
// Where a kernel writes floats that store_floats() brings to `elements`.
template <class T>
float* floats_for(T* elements, float* memory) {
  if constexpr (std::is_same_v<T, float>)
    return elements;
  else
    return memory;
}
template <class T>
void store_floats(const float* floats, int64_t count, T* elements) {
  if constexpr (!std::is_same_v<T, float>) convert(floats, count, elements);
}
// Elements that floats_for() and as_floats() need memory for.
template <class T>
int64_t floats_beside(int64_t count) {
  return std::is_same_v<T, float> ? 0 : count;
}

}  // namespace d2l::cpu
