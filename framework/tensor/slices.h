#pragma once

#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "framework/tensor/index.h"

namespace d2l {

// Indices as in Python (chapter 2.1.4), for t(...): one for each axis, the others are taken whole.
//
//     t[-1]          t(-1)                t[1:3]          t(range(1, 3))
//     t[:, 1]        t(all, 1)            t[1:3, 1:]      t(range(1, 3), from(1))
//     t[::3, ::2]    t(every(3), every(2))
inline constexpr All all;  // NOLINT(readability-identifier-naming): notation
inline Index range(int64_t begin, int64_t end, int64_t step = 1) { return Index(begin, end, step); }
inline Index from(int64_t begin, int64_t step = 1) { return Index(begin, std::nullopt, step); }
inline Index to(int64_t end) { return Index(0, end); }
inline Index every(int64_t step) { return Index(std::nullopt, std::nullopt, step); }

// A part of a tensor, which is selected again each time it is used. As a value, it is a new tensor
// with the elements of that moment; what is assigned to it changes the tensor's elements, and is
// broadcast.
class TensorPart {
 public:
  TensorPart(Tensor whole, std::vector<Index> indices)
      : whole_(std::move(whole)), indices_(std::move(indices)) {}
  TensorPart(const TensorPart&) = default;

  operator Tensor() const { return get(whole_, indices_); }
  template <Number T>
  explicit operator T() const {
    return Tensor(*this).item<T>();
  }
  Shape shape() const { return Tensor(*this).shape(); }

  TensorPart& operator=(const Tensor& value);
  TensorPart& operator=(double value);
  TensorPart& operator=(const TensorPart& value) { return *this = Tensor(value); }
  TensorPart& operator+=(const Tensor& value);
  TensorPart& operator-=(const Tensor& value);
  TensorPart& operator*=(const Tensor& value);
  TensorPart& operator/=(const Tensor& value);
  TensorPart& operator+=(double value);
  TensorPart& operator-=(double value);
  TensorPart& operator*=(double value);
  TensorPart& operator/=(double value);

 private:
  Tensor whole_;
  std::vector<Index> indices_;
};

std::ostream& operator<<(std::ostream& stream, const TensorPart& part);

template <class... Indices>
Tensor Tensor::operator()(const Indices&... indices) const {
  return get(*this, {Index(indices)...});
}

template <class... Indices>
TensorPart Tensor::operator()(const Indices&... indices) {
  return {*this, {Index(indices)...}};
}

}  // namespace d2l
