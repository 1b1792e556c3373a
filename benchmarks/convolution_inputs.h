#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "framework/backend/backend.h"
#include "framework/base/error.h"
#include "framework/base/text.h"

// The arguments and the inputs of the programs that time convolutions.
namespace d2l::bench {

// A convolution of square images with a square kernel.
struct ConvolutionCase {
  int64_t size, in, out, kernel, stride, padding;

  int64_t out_size() const { return (size + 2 * padding - kernel) / stride + 1; }
  // By the definition.
  double flop(int64_t batch) const {
    return 2.0 * static_cast<double>(batch * out_size() * out_size() * out * in * kernel * kernel);
  }
  std::string name() const {
    return concat(in, "->", out, " ", kernel, "x", kernel, " s", stride, " on ", size, "x", size);
  }
};

inline ConvolutionCase parse_case(const char* text) {
  long long n[6];
  char more;
  const int found = std::sscanf(text, "%lld,%lld,%lld,%lld,%lld,%lld%c", &n[0], &n[1], &n[2], &n[3],
                                &n[4], &n[5], &more);
  check(found == 6, "expected size,in,out,kernel,stride,padding, found ", text);
  return {n[0], n[1], n[2], n[3], n[4], n[5]};
}

inline int64_t parse_number(const char* name, const char* text) {
  const int64_t value = std::atoll(text);
  check(value >= 1, name, ": expected a whole number of at least 1, found ", text);
  return value;
}

// Numbers in [-1, 1), nearly all different: zeros or denormal numbers may be faster or slower than
// the values in a network.
class Numbers {
 public:
  float next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(state_ >> 40) / 8388608.0f - 1.0f;
  }

 private:
  uint64_t state_ = 1;
};

// An array of such numbers in the backend's pool, for the caller to release.
inline View filled(Backend& backend, Numbers& numbers, const Shape& shape, DType dtype) {
  const auto allocated = [&](DType type) {
    View made{nullptr, type, shape};
    made.data = backend.pool().allocate(static_cast<size_t>(made.bytes()));
    return made;
  };
  const View made = allocated(DType::f32);
  for (int64_t i = 0; i < made.elements(); ++i) made.as<float>()[i] = numbers.next();
  if (dtype == DType::f32) return made;
  const View rounded = allocated(dtype);
  backend.copy(strided(made), strided(rounded), false);
  backend.pool().release(made.data);
  return rounded;
}

}  // namespace d2l::bench
