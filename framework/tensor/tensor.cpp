#include "framework/tensor/tensor.h"

#include <algorithm>

#include "framework/tensor/checks.h"

namespace d2l {

namespace {

// Strides of a flat view of contiguous elements, so that kernels take the fast path.
Strides unit_stride() {
  Strides strides{};
  strides[0] = 1;
  return strides;
}

int64_t row_position(int64_t position, int64_t rows) {
  return position < 0 ? position + rows : position;
}

}  // namespace

Tensor::Tensor(Backend& backend, const Shape& shape, DType dtype)
    : storage_(std::make_shared<Storage>(backend,
                                         static_cast<size_t>(shape.elements()) * size_of(dtype))),
      shape_(shape),
      dtype_(dtype) {}

void* Tensor::address() const {
  check(defined(), "expected a tensor, found an undefined one");
  void* start = storage_->data();
  if (!start) return nullptr;
  return static_cast<char*>(start) + static_cast<size_t>(offset_) * size_of(dtype_);
}

void* Tensor::host_address(DType wanted) const {
  check_dtype("data", *this, wanted);
  check(backend().device().kind == DeviceKind::cpu, "data: expected a CPU tensor, found one on ",
        d2l::to_string(backend().device()));
  return address();
}

Tensor Tensor::reshape(const Shape& shape) const {
  check(defined(), "reshape: expected a tensor, found an undefined one");
  check(shape.elements() == elements(), "reshape: ", shape_, " has ", elements(), " elements, ",
        shape, " has ", shape.elements());
  Tensor result = *this;
  result.shape_ = shape;
  return result;
}

Tensor Tensor::reshape(const std::vector<int64_t>& sizes) const {
  check(defined(), "reshape: expected a tensor, found an undefined one");
  auto unknown = std::find(sizes.begin(), sizes.end(), int64_t{-1});
  if (unknown == sizes.end()) return reshape(Shape(sizes));
  std::vector<int64_t> filled = sizes;
  filled[static_cast<size_t>(unknown - sizes.begin())] = 1;
  check(std::find(unknown + 1, sizes.end(), int64_t{-1}) == sizes.end(),
        "reshape: at most one size may be -1, found more for ", shape_);
  int64_t known = Shape(filled).elements();
  check(known > 0 && elements() % known == 0, "reshape: ", shape_, " has ", elements(),
        " elements, which cannot be cut into pieces of ", known);
  filled[static_cast<size_t>(unknown - sizes.begin())] = elements() / known;
  return reshape(Shape(filled));
}

Tensor Tensor::reshape(std::initializer_list<int64_t> sizes) const {
  return reshape(std::vector<int64_t>(sizes));
}

Tensor Tensor::rows(int64_t begin, int64_t end) const {
  check(defined() && rank() > 0, "rows: expected a tensor with axes, found ",
        defined() ? "a scalar" : "an undefined one");
  int64_t first = row_position(begin, shape_[0]), last = row_position(end, shape_[0]);
  check(0 <= first && first <= last && last <= shape_[0], "rows: [", begin, ", ", end,
        ") is outside the ", shape_[0], " rows of ", shape_);
  Tensor result = *this;
  result.offset_ += first * shape_.elements(1, rank());
  result.shape_[0] = last - first;
  return result;
}

Tensor Tensor::operator[](int64_t index) const {
  check(defined() && rank() > 0, "[]: expected a tensor with axes, found ",
        defined() ? "a scalar" : "an undefined one");
  int64_t row = row_position(index, shape_[0]);
  check(0 <= row && row < shape_[0], "[]: index ", index, " is outside the ", shape_[0],
        " elements of the first axis of ", shape_);
  Tensor result = *this;
  result.shape_ = shape_.without_axis(0);
  result.offset_ += row * result.elements();
  return result;
}

Tensor Tensor::slot(int64_t offset, const Shape& shape) const {
  check(defined(), "slot: expected a tensor, found an undefined one");
  check(offset >= 0 && offset + shape.elements() <= elements(), "slot: ", shape, " at element ",
        offset, " is outside the ", elements(), " elements of ", shape_);
  Tensor result = *this;
  result.offset_ += offset;
  result.shape_ = shape;
  return result;
}

Tensor Tensor::clone() const {
  check(defined(), "clone: expected a tensor, found an undefined one");
  Tensor result(backend(), shape_, dtype_);
  result.copy_from(*this);
  return result;
}

Tensor Tensor::cast(DType dtype) const {
  check(defined(), "cast: expected a tensor, found an undefined one");
  if (dtype == dtype_) return *this;
  Tensor result(backend(), shape_, dtype);
  result.copy_from(*this);
  return result;
}

void Tensor::copy_from(const Tensor& source) {
  check_same_backend("copy_from", *this, source);
  check(shape_ == source.shape_, "copy_from: expected shape ", shape_, ", found ", source.shape_);
  if (elements() == 0) return;
  if (address() == source.address() && dtype_ == source.dtype_) return;
  Tensor apart = disjoint_from(*this, source);
  Shape flat{elements()};
  backend().copy({apart.address(), apart.dtype_, flat, unit_stride()},
                 {address(), dtype_, flat, unit_stride()}, false);
}

// Waits for the transfer, so that nothing accesses either side's memory after the return.
Tensor Tensor::to(Backend& other) const {
  check(defined(), "to: expected a tensor, found an undefined one");
  if (&other == &backend()) return *this;
  Tensor result(other, shape_, dtype_);
  if (elements() == 0) return result;
  if (backend().device().kind == DeviceKind::cpu) {
    other.copy_from_host(address(), result.view());
    other.synchronize();
    return result;
  }
  if (other.device().kind == DeviceKind::cpu) {
    backend().copy_to_host(view(), result.address());
    backend().synchronize();
    return result;
  }
  std::vector<char> staging(bytes());
  backend().copy_to_host(view(), staging.data());
  backend().synchronize();
  other.copy_from_host(staging.data(), result.view());
  other.synchronize();
  return result;
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  check(defined(), "to_vector: expected a tensor, found an undefined one");
  std::vector<T> values(static_cast<size_t>(elements()));
  if (values.empty()) return values;
  if (dtype_ == dtype_of<T>()) {
    backend().copy_to_host(view(), values.data());
    backend().synchronize();
    return values;
  }
  visit_type(dtype_, [&](auto type) {
    std::vector<decltype(type)> stored(values.size());
    backend().copy_to_host(view(), stored.data());
    backend().synchronize();
    std::transform(stored.begin(), stored.end(), values.begin(),
                   [](auto value) { return static_cast<T>(value); });
  });
  return values;
}

template <class T>
std::vector<std::vector<T>> Tensor::to_rows() const {
  check(defined() && rank() == 2, "to_rows: expected a tensor with 2 axes, found ",
        defined() ? shape_.to_string() : "an undefined one");
  std::vector<T> values = to_vector<T>();
  std::vector<std::vector<T>> rows;
  for (int64_t row = 0; row < shape_[0]; ++row)
    rows.emplace_back(values.begin() + row * shape_[1], values.begin() + (row + 1) * shape_[1]);
  return rows;
}

template <class T>
T Tensor::item() const {
  check(defined(), "item: expected a tensor, found an undefined one");
  check(elements() == 1, "item: expected one element, found shape ", shape_);
  return to_vector<T>().front();
}

template float Tensor::item() const;
template double Tensor::item() const;
template int32_t Tensor::item() const;
template int64_t Tensor::item() const;
template uint8_t Tensor::item() const;
template std::vector<float> Tensor::to_vector() const;
template std::vector<double> Tensor::to_vector() const;
template std::vector<int32_t> Tensor::to_vector() const;
template std::vector<int64_t> Tensor::to_vector() const;
template std::vector<uint8_t> Tensor::to_vector() const;
template std::vector<std::vector<float>> Tensor::to_rows() const;
template std::vector<std::vector<double>> Tensor::to_rows() const;
template std::vector<std::vector<int32_t>> Tensor::to_rows() const;
template std::vector<std::vector<int64_t>> Tensor::to_rows() const;
template std::vector<std::vector<uint8_t>> Tensor::to_rows() const;

void check_dtype(const char* name, const Tensor& tensor, DType dtype) {
  check(tensor.defined(), name, ": expected ", to_string(dtype), ", found an undefined tensor");
  check(tensor.dtype() == dtype, name, ": expected ", to_string(dtype), ", found ",
        to_string(tensor.dtype()));
}

}  // namespace d2l
