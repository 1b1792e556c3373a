#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "framework/tensor/create.h"
#include "tests/support/support.h"

// CUDA's kernels against the CPU's: the same call on the same inputs.
namespace d2l::test {

Backend& host();  // a CPU backend with one thread

// A kernel's arguments, on the host. Outputs may hold anything before, or what the kernel goes on
// from.
struct Arguments {
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  bool computed = true;  // false: only copied or converted, which the CPU does with f16 too
};

// What activations may be.
inline constexpr DType kFloats[] = {DType::f32, DType::bf16, DType::f16};
// Those whose products the CPU can judge: it may not multiply bf16.
std::vector<DType> multiplied_floats();

// |gpu - cpu| <= absolute + relative |cpu|; NaN and infinities must agree.
struct Tolerance {
  double relative = 0;
  double absolute = 0;
};

using Kernel = std::function<void(Backend&, const std::vector<ConstView>& inputs,
                                  const std::vector<View>& outputs)>;

// Runs the kernel on copies of the arguments, on both, and compares all outputs. The CPU does not
// compute f16: there, such arguments are f32 where they are computed with, and results are rounded
// to f16 in the end.
testing::AssertionResult like_cpu(const Arguments& arguments, const Kernel& kernel,
                                  const Tolerance& tolerance = {});

// Inputs: uniform in [low, high); whole numbers in [low, high).
Tensor random_tensor(const Shape& shape, DType dtype = DType::f32, double low = -2,
                     double high = 2);
Tensor random_indices(const Shape& shape, int64_t low, int64_t high);
// An output that is NaN (0x5a for whole numbers) until it is written.
Tensor unwritten(const Shape& shape, DType dtype = DType::f32);

}  // namespace d2l::test
