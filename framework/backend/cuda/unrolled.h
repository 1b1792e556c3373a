#pragma once

#include <type_traits>
#include <utility>

namespace d2l::cuda {

template <class Body, int... kIndices>
__device__ __forceinline__ void call_each(const Body& body,
                                          std::integer_sequence<int, kIndices...>) {
  (body(std::integral_constant<int, kIndices>{}), ...);
}

// Calls body(i) for i from 0 to kCount - 1, each a constant. The loop is certain to be unrolled, so
// that arrays indexed by i stay in registers.
template <int kCount, class Body>
__device__ __forceinline__ void unrolled(const Body& body) {
  call_each(body, std::make_integer_sequence<int, kCount>{});
}

}  // namespace d2l::cuda
