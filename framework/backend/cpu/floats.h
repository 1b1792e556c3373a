#pragma once

#include <type_traits>

#include "framework/base/dtype.h"

namespace d2l::cpu {

// Calls body(T{}) with the type of activations and their gradients: float or Bfloat16.
template <class Body>
void visit_float(DType dtype, const Body& body) {
  if (dtype == DType::bf16) return body(Bfloat16{});
  check(dtype == DType::f32, "expected f32 or bf16, found ", to_string(dtype));
  body(float{});
}

// Converts `count` elements on the calling thread.
void convert(const Bfloat16* from, int64_t count, float* to);
void convert(const float* from, int64_t count, Bfloat16* to);

// For kernels that compute in f32 in the cache: returns `elements` if they are floats, or else
// their values converted into `memory`.
template <class T>
const float* as_floats(const T* elements, int64_t count, float* memory) {
  if constexpr (std::is_same_v<T, float>)
    return elements;
  else
    return convert(elements, count, memory), memory;
}
// Where a kernel writes its floats; store_floats() then moves them to `elements`.
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
// The size of the memory that floats_for() and as_floats() need, in elements.
template <class T>
int64_t floats_beside(int64_t count) {
  return std::is_same_v<T, float> ? 0 : count;
}

}  // namespace d2l::cpu
