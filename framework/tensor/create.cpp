#include "framework/tensor/create.h"

#include <cmath>
#include <numeric>

namespace d2l {

Tensor full(Backend& backend, const Shape& shape, double value, DType dtype) {
  Tensor result(backend, shape, dtype);
  if (result.elements() > 0) backend.fill(result.view(), value);
  return result;
}

Tensor zeros(Backend& backend, const Shape& shape, DType dtype) {
  return full(backend, shape, 0, dtype);
}

Tensor ones(Backend& backend, const Shape& shape, DType dtype) {
  return full(backend, shape, 1, dtype);
}

Tensor zeros_like(const Tensor& tensor) {
  check(tensor.defined(), "zeros_like: expected a tensor, found an undefined one");
  return zeros(tensor.backend(), tensor.shape(), tensor.dtype());
}

Tensor ones_like(const Tensor& tensor) {
  check(tensor.defined(), "ones_like: expected a tensor, found an undefined one");
  return ones(tensor.backend(), tensor.shape(), tensor.dtype());
}

Tensor arange(Backend& backend, int64_t count, DType dtype) {
  check(count >= 0, "arange: expected a count of at least 0, found ", count);
  std::vector<int64_t> values(static_cast<size_t>(count));
  std::iota(values.begin(), values.end(), int64_t{0});
  return from_vector(backend, {count}, values).cast(dtype);
}

Tensor arange(Backend& backend, double start, double end, double step) {
  check(step != 0, "arange: the step must not be 0");
  double count = std::ceil((end - start) / step);
  // NaN fails both comparisons.
  check(count < 1e15 && count > -HUGE_VAL && std::isfinite(step), "arange: from ", start, " to ",
        end, " by ", step, " is not a finite list");
  if (count <= 0) return Tensor(backend, {0});
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(start + static_cast<double>(i) * step);
  return from_vector(backend, {static_cast<int64_t>(values.size())}, values);
}

Tensor eye(Backend& backend, int64_t size) {
  Shape shape{size, size};
  std::vector<float> values(static_cast<size_t>(shape.elements()), 0.0f);
  for (size_t i = 0; i < values.size(); i += static_cast<size_t>(size) + 1) values[i] = 1;
  return from_vector(backend, shape, values);
}

// Waits for the transfer, since the caller may free the vector afterwards.
template <class T>
Tensor from_vector(Backend& backend, const Shape& shape, const std::vector<T>& values) {
  check(static_cast<int64_t>(values.size()) == shape.elements(), "from_vector: shape ", shape,
        " has ", shape.elements(), " elements, found ", values.size(), " values");
  Tensor result(backend, shape, dtype_of<T>());
  if (values.empty()) return result;
  backend.copy_from_host(values.data(), result.view());
  backend.synchronize();
  return result;
}

template Tensor from_vector(Backend&, const Shape&, const std::vector<float>&);
template Tensor from_vector(Backend&, const Shape&, const std::vector<double>&);
template Tensor from_vector(Backend&, const Shape&, const std::vector<int32_t>&);
template Tensor from_vector(Backend&, const Shape&, const std::vector<int64_t>&);
template Tensor from_vector(Backend&, const Shape&, const std::vector<uint8_t>&);

Shape Numbers::shape() const {
  if (!is_list_) return {};
  if (list_.empty()) return {0};
  const Shape first = list_.front().shape();
  for (size_t i = 1; i < list_.size(); ++i) {
    const Shape other = list_[i].shape();
    check(other == first, "from_list: element 0 has shape ", first, ", element ", i, " has ",
          other);
  }
  return first.with_front(static_cast<int64_t>(list_.size()));
}

void Numbers::append_to(std::vector<double>& numbers) const {
  if (!is_list_) return numbers.push_back(number_);
  for (const Numbers& part : list_) part.append_to(numbers);
}

Tensor from_list(Backend& backend, const Numbers& numbers, DType dtype) {
  std::vector<double> values;
  numbers.append_to(values);
  return from_vector(backend, numbers.shape(), values).cast(dtype);
}

Tensor uniform(Backend& backend, const Shape& shape, RngKey key, double low, double high) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  // One Philox block has four draws: random_uniform(key, i) for i = 4 block ... + 3.
  for (size_t first = 0; first < values.size(); first += 4) {
    Random4 draws = philox(key, first / 4);
    for (size_t i = first; i < std::min(first + 4, values.size()); ++i)
      values[i] = static_cast<float>(low + (high - low) * to_unit(draws.word[i - first]));
  }
  return from_vector(backend, shape, values);
}

Tensor normal(Backend& backend, const Shape& shape, RngKey key, double mean, double std) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(mean + std * random_normal(key, i));
  return from_vector(backend, shape, values);
}

}  // namespace d2l
