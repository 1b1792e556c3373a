#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <vector>

#include "framework/tensor/create.h"
#include "tests/backend/cases/tolerances.h"
#include "tests/support/support.h"

// Compares a kernel on the backend under test with a reference, on the same arguments: the CPU with
// plain loops in doubles, CUDA with the CPU. Each case has one body for both.
namespace d2l::test {

// The backend under test: a CPU backend with two threads, or the GPU.
Backend& tested();
bool tests_cuda();
// A CPU backend with one thread, on which arguments are created. It is the reference for CUDA.
Backend& host();

using Inputs = std::vector<ConstView>;
using Outputs = std::vector<View>;
using Doubles = std::vector<double>;

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A kernel's arguments, on the host. Outputs hold arbitrary values, or the values that the kernel
// adds to.
struct Arguments {
  std::vector<Tensor> inputs;
  std::vector<Tensor> outputs;
  bool computed = true;  // false: only copied or converted; the CPU supports this for f16
};

// The types of activations on the backend under test.
std::vector<DType> floats();

using Kernel = std::function<void(Backend&, const Inputs&, const Outputs&)>;
using PlainKernel = std::function<void(const Inputs&, const Outputs&)>;

// Runs both on copies of the arguments and compares all outputs. The CPU does not compute in f16:
// it gets f32 arguments, and its results are rounded to f16 at the end.
testing::AssertionResult compare(const Arguments& arguments, const Kernel& kernel,
                                 const PlainKernel& plain, const Tolerances& tolerances);

// call(on, inputs, outputs) is a generic lambda for a Backend and for a Plain: an object with
// functions of the same names and arguments as the kernels, computing in doubles.
template <class Plain, class Call>
testing::AssertionResult agree(const Arguments& arguments, const Call& call,
                               const Tolerances& tolerances = tolerances::kExact) {
  return compare(
      arguments, [&](Backend& on, const Inputs& in, const Outputs& out) { call(on, in, out); },
      [&](const Inputs& in, const Outputs& out) {
        Plain plain;
        call(plain, in, out);
      },
      tolerances);
}

// The same for the default implementations in Backend, which Composed{backend} calls.
template <class Plain, class Composed, class Call>
testing::AssertionResult composition_agrees(const Arguments& arguments, const Call& call,
                                            const Tolerances& tolerances) {
  return compare(
      arguments,
      [&](Backend& on, const Inputs& in, const Outputs& out) {
        if (&on != &tested()) return call(on, in, out);
        Composed composed{on};
        call(composed, in, out);
      },
      [&](const Inputs& in, const Outputs& out) {
        Plain plain;
        call(plain, in, out);
      },
      tolerances);
}

// The outputs of a kernel on the backend under test, on the host.
std::vector<Tensor> outputs_of(const Arguments& arguments, const Kernel& kernel);

// Whether repeated calls give the same bits and allocate no more memory from the system.
testing::AssertionResult repeats(const Arguments& arguments, const Kernel& kernel);

// Inputs: uniform numbers in [low, high); integers in [low, high).
Tensor random_tensor(const Shape& shape, DType dtype = DType::f32, double low = -2,
                     double high = 2);
Tensor random_indices(const Shape& shape, int64_t low, int64_t high);
// An output that is NaN (0x5a for integers) until it is written.
Tensor unwritten(const Shape& shape, DType dtype = DType::f32);

// A view of `shape` that starts at element `first`: memory with any alignment.
ConstView part(const ConstView& view, int64_t first, const Shape& shape);
View part(const View& view, int64_t first, const Shape& shape);
// For arguments that are writable views although kernels only read them.
View writable(const ConstView& view);

// --- for plain kernels ---

Doubles doubles(const ConstView& view);  // none if there is no view
// Stores values rounded to the view's dtype (to 16 bits via f32). Does nothing without a view.
void store(const View& to, const Doubles& values);
std::vector<int64_t> integers(const ConstView& view);

}  // namespace d2l::test
