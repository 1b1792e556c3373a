#pragma once

#include <ostream>
#include <vector>

#include "framework/backend/bf16_products.h"

namespace d2l::cpu {

// For test names and messages.
inline void PrintTo(Bf16Products products, std::ostream* stream) {
  *stream << (products == Bf16Products::f32     ? "as f32"
              : products == Bf16Products::pairs ? "in pairs"
                                                : "in tiles");
}

}  // namespace d2l::cpu

namespace d2l::test {

// All bf16 multiplications that this machine supports, not only the default.
inline std::vector<cpu::Bf16Products> bf16_ways() {
  std::vector<cpu::Bf16Products> ways{cpu::Bf16Products::f32};
  if (cpu::this_processor().is_limited) return ways;
  if (cpu::this_processor().has_pairs) ways.push_back(cpu::Bf16Products::pairs);
  if (cpu::this_processor().has_tiles) ways.push_back(cpu::Bf16Products::tiles);
  return ways;
}

}  // namespace d2l::test
