#pragma once

#include <initializer_list>
#include <vector>

#include "framework/base/rng.h"
#include "framework/tensor/default_backend.h"
#include "framework/tensor/tensor.h"

namespace d2l {

Tensor zeros(Backend& backend, const Shape& shape, DType dtype = DType::f32);
Tensor ones(Backend& backend, const Shape& shape, DType dtype = DType::f32);
Tensor full(Backend& backend, const Shape& shape, double value, DType dtype = DType::f32);
Tensor zeros_like(const Tensor& tensor);
Tensor ones_like(const Tensor& tensor);

Tensor arange(Backend& backend, int64_t count, DType dtype = DType::f32);    // 0, 1, ..., count - 1
Tensor arange(Backend& backend, double start, double end, double step = 1);  // [start, end), f32
Tensor eye(Backend& backend, int64_t size);

// Copies host values. Throws Error unless there are shape.elements() values.
template <class T>
Tensor from_vector(Backend& backend, const Shape& shape, const std::vector<T>& values);

// Numbers, or lists of them, or lists of such lists: from_list(backend, {{1, 2}, {3, 4}}). Throws
// Error if lists differ in length or depth.
class Numbers {
 public:
  Numbers(double number) : number_(number) {}
  Numbers(std::initializer_list<Numbers> list) : list_(list), is_list_(true) {}

  Shape shape() const;
  void append_to(std::vector<double>& numbers) const;

 private:
  double number_ = 0;
  std::vector<Numbers> list_;
  bool is_list_ = false;
};
Tensor from_list(Backend& backend, const Numbers& numbers, DType dtype = DType::f32);

// Element i is number i of the key's sequence (rng.h): the same on every rank and device.
Tensor uniform(Backend& backend, const Shape& shape, RngKey key, double low = 0, double high = 1);
Tensor normal(Backend& backend, const Shape& shape, RngKey key, double mean = 0, double std = 1);

// --- on default_backend() ---

inline Tensor zeros(const Shape& shape, DType dtype = DType::f32) {
  return zeros(default_backend(), shape, dtype);
}
inline Tensor ones(const Shape& shape, DType dtype = DType::f32) {
  return ones(default_backend(), shape, dtype);
}
inline Tensor full(const Shape& shape, double value, DType dtype = DType::f32) {
  return full(default_backend(), shape, value, dtype);
}
inline Tensor arange(int64_t count, DType dtype = DType::f32) {
  return arange(default_backend(), count, dtype);
}
inline Tensor arange(double start, double end, double step = 1) {
  return arange(default_backend(), start, end, step);
}
inline Tensor eye(int64_t size) { return eye(default_backend(), size); }

// tensor({{1, 2}, {3, 4}})
inline Tensor tensor(const Numbers& numbers, DType dtype = DType::f32) {
  return from_list(default_backend(), numbers, dtype);
}
template <class T>
Tensor tensor(const std::vector<T>& values) {
  return from_vector(default_backend(), {static_cast<int64_t>(values.size())}, values);
}

}  // namespace d2l
