#pragma once

#include <initializer_list>
#include <vector>

#include "framework/base/rng.h"
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

// Nested lists: from_list(backend, {{1, 2}, {3, 4}}). Throws Error if rows differ in length.
template <class = void>  // a template only so that {{1}, {2}} means rows
Tensor from_list(Backend& backend, std::initializer_list<float> values);
Tensor from_list(Backend& backend, std::initializer_list<std::initializer_list<float>> rows);

// Element i is number i of the key's sequence (rng.h): the same on every rank and device.
Tensor uniform(Backend& backend, const Shape& shape, RngKey key, double low = 0, double high = 1);
Tensor normal(Backend& backend, const Shape& shape, RngKey key, double mean = 0, double std = 1);

}  // namespace d2l
