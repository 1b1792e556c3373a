#pragma once

#include "tests/backend/cases/compare.h"

// CUDA's kernels against the CPU's where there is no case for both.
namespace d2l::test {

// What activations may be.
inline constexpr DType kFloats[] = {DType::f32, DType::bf16, DType::f16};
inline std::vector<DType> multiplied_floats() { return floats(); }

inline testing::AssertionResult like_cpu(const Arguments& arguments, const Kernel& kernel,
                                         const Tolerance& tolerance = {}) {
  return compare(arguments, kernel, {}, {tolerance, tolerance, tolerance});
}

}  // namespace d2l::test
