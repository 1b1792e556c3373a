#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "framework/backend/backend.h"

// Reference results of kernels as plain loops in double precision, and arrays for the tests.
namespace d2l::test::naive {

// Elements in memory of the backend's pool, initially NaN, so that outputs that a kernel does not
// write are detected.
template <class T>
class Array {
 public:
  Array(Backend& backend, const Shape& shape) : backend_(backend), shape_(shape) {
    // nullptr without elements, as in tensors
    data_ = static_cast<T*>(backend.pool().allocate(static_cast<size_t>(count()) * sizeof(T)));
    poison();
  }
  ~Array() { backend_.pool().release(data_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  void poison() {
    if (count() == 0) return;
    std::memset(static_cast<void*>(data_), 0xff, static_cast<size_t>(count()) * sizeof(T));
  }
  int64_t count() const { return shape_.elements(); }
  View view() { return {data_, dtype_of<T>(), shape_}; }
  T& operator[](int64_t i) { return data_[i]; }
  std::vector<T> values() const { return {data_, data_ + count()}; }
  std::vector<float> floats() const { return {data_, data_ + count()}; }

  // Numbers in [-1, 1), a function of the seed.
  Array& random(uint64_t seed) {
    uint64_t state = seed * 2654435761u + 12345;
    for (int64_t i = 0; i < count(); ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      data_[i] = static_cast<T>(static_cast<double>(state >> 40) / 8388608.0 - 1.0);
    }
    return *this;
  }

 private:
  Backend& backend_;
  Shape shape_;
  T* data_;
};

using Doubles = std::vector<double>;

inline double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::none:
      break;
  }
  return x;
}

inline testing::AssertionResult close(const std::vector<float>& found, const Doubles& expected,
                                      double absolute) {
  if (found.size() != expected.size())
    return testing::AssertionFailure()
           << found.size() << " elements instead of " << expected.size();
  for (size_t i = 0; i < found.size(); ++i)
    if (!(std::abs(static_cast<double>(found[i]) - expected[i]) <=
          absolute * (1 + std::abs(expected[i]))))  // so that NaN fails
      return testing::AssertionFailure() << "element " << i << " of " << found.size()
                                         << ": expected " << expected[i] << ", found " << found[i];
  return testing::AssertionSuccess();
}

// The offset of pixel (row, column, channel) of image n.
inline int64_t at(const Shape& s, int64_t n, int64_t row, int64_t column, int64_t channel) {
  return ((n * s[1] + row) * s[2] + column) * s[3] + channel;
}

inline int64_t out_size(int64_t size, int64_t kernel, int64_t stride, int64_t padding) {
  return (size + 2 * padding - kernel) / stride + 1;
}

// Calls body(x index, weight index, y index) for every product of a convolution.
template <class Body>
void for_products(const Conv2dParams& p, const Shape& x, const Shape& w, const Shape& y,
                  const Body& body) {
  for (int64_t n = 0; n < y[0]; ++n)
    for (int64_t oy = 0; oy < y[1]; ++oy)
      for (int64_t ox = 0; ox < y[2]; ++ox)
        for (int64_t ky = 0; ky < w[1]; ++ky)
          for (int64_t kx = 0; kx < w[2]; ++kx) {
            int64_t iy = oy * p.stride.height - p.padding.height + ky;
            int64_t ix = ox * p.stride.width - p.padding.width + kx;
            if (iy < 0 || iy >= x[1] || ix < 0 || ix >= x[2]) continue;
            for (int64_t o = 0; o < w[0]; ++o)
              for (int64_t c = 0; c < w[3]; ++c)
                body(at(x, n, iy, ix, c), at(w, o, ky, kx, c), at(y, n, oy, ox, o));
          }
}

// Calls body(x index, y index, position in the window) for every element inside a pooling window,
// in the order of positions for each y index.
template <class Body>
void for_windows(const Pool2dParams& p, const Shape& x, const Shape& y, const Body& body) {
  for (int64_t n = 0; n < y[0]; ++n)
    for (int64_t oy = 0; oy < y[1]; ++oy)
      for (int64_t ox = 0; ox < y[2]; ++ox)
        for (int64_t c = 0; c < y[3]; ++c)
          for (int64_t k = 0; k < p.window.height * p.window.width; ++k) {
            int64_t iy = oy * p.stride.height - p.padding.height + k / p.window.width;
            int64_t ix = ox * p.stride.width - p.padding.width + k % p.window.width;
            if (iy >= 0 && iy < x[1] && ix >= 0 && ix < x[2])
              body(at(x, n, iy, ix, c), at(y, n, oy, ox, c), k);
          }
}

}  // namespace d2l::test::naive
