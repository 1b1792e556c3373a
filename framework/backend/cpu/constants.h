#pragma once

#include <cstdint>
#include <type_traits>

// Makes run-time numbers compile-time constants.

namespace d2l::cpu {

// Calls body with std::integral_constant of `value`, which is in [1, kMost].
template <int kMost, class Body>
[[gnu::always_inline]] inline void with_constant(int64_t value, const Body& body) {
  if constexpr (kMost > 1) {
    if (value < kMost) return with_constant<kMost - 1>(value, body);
  }
  body(std::integral_constant<int, kMost>{});
}

// Calls body with std::integral_constant of 0, 1, ... kCount - 1.
template <int kCount, class Body>
[[gnu::always_inline]] inline void with_each(const Body& body) {
  if constexpr (kCount > 0) {
    with_each<kCount - 1>(body);
    body(std::integral_constant<int, kCount - 1>{});
  }
}

}  // namespace d2l::cpu
