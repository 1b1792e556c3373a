#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "framework/backend/backend.h"

// Plain arrays as a kernel's inputs and outputs, so that kernels are tested without tensors.
namespace d2l::test {

using Floats = std::vector<float>;

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

inline Floats random_floats(int64_t count, float low = -2.0f, float high = 2.0f,
                            uint64_t stream = 0) {
  Floats values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = low + (high - low) * random_uniform({42, stream}, i);
  return values;
}

// An output before its kernel runs: whatever is left unwritten fails a comparison.
inline Floats poisoned(int64_t count) { return Floats(static_cast<size_t>(count), kNaN); }

inline ConstView in(const Floats& values, const Shape& shape) {
  return {values.data(), DType::f32, shape};
}
inline ConstView in(const Floats& values) {
  return in(values, {static_cast<int64_t>(values.size())});
}
inline ConstView in(const std::vector<int64_t>& values, const Shape& shape) {
  return {values.data(), DType::i64, shape};
}
inline View out(Floats& values, const Shape& shape) { return {values.data(), DType::f32, shape}; }
inline View out(Floats& values) { return out(values, {static_cast<int64_t>(values.size())}); }
inline View out(std::vector<int64_t>& values, const Shape& shape) {
  return {values.data(), DType::i64, shape};
}
inline View out(std::vector<uint8_t>& values, const Shape& shape) {
  return {values.data(), DType::u8, shape};
}

// Every element within absolute + relative * |expected|; NaN and infinities must agree.
template <class Expected>
testing::AssertionResult near(const Floats& found, const std::vector<Expected>& expected,
                              double relative = 1e-6, double absolute = 0) {
  if (found.size() != expected.size())
    return testing::AssertionFailure()
           << "expected " << expected.size() << " elements, found " << found.size();
  for (size_t i = 0; i < found.size(); ++i) {
    const double value = found[i], wanted = static_cast<double>(expected[i]);
    if (value == wanted || (std::isnan(value) && std::isnan(wanted))) continue;
    if (!(std::abs(value - wanted) <= absolute + relative * std::abs(wanted)) || std::isinf(wanted))
      return testing::AssertionFailure()
             << "element " << i << ": expected " << wanted << ", found " << value;
  }
  return testing::AssertionSuccess();
}

// The same bits, NaN and signed zeros included.
inline testing::AssertionResult same_bits(const Floats& found, const Floats& expected) {
  if (found.size() != expected.size())
    return testing::AssertionFailure()
           << "expected " << expected.size() << " elements, found " << found.size();
  for (size_t i = 0; i < found.size(); ++i)
    if (std::bit_cast<uint32_t>(found[i]) != std::bit_cast<uint32_t>(expected[i]))
      return testing::AssertionFailure()
             << "element " << i << ": expected " << expected[i] << ", found " << found[i];
  return testing::AssertionSuccess();
}

// compute(backend), which answers Floats, gives the same bits on 1 and on 2 threads.
template <class Compute>
void expect_thread_independent(const Compute& compute) {
  const Floats one = compute(*make_cpu_backend(1));
  EXPECT_TRUE(same_bits(compute(*make_cpu_backend(2)), one));
  make_cpu_backend(1);  // the calling thread works alone again
}

}  // namespace d2l::test
