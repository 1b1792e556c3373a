#pragma once

#include "tests/backend/cases/compare.h"

// Compares CUDA kernels with the CPU's if there is no common test case.
namespace d2l::test {

// The types of activations.
inline constexpr DType kFloats[] = {DType::f32, DType::bf16, DType::f16};
inline std::vector<DType> multiplied_floats() { return floats(); }

inline testing::AssertionResult like_cpu(const Arguments& arguments, const Kernel& kernel,
                                         const Tolerance& tolerance = {}) {
  return compare(arguments, kernel, {}, {tolerance, tolerance, tolerance});
}

}  // namespace d2l::test
