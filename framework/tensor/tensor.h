#pragma once

#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <type_traits>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/base/error.h"
#include "framework/tensor/storage.h"

namespace d2l {

class TensorPart;

template <class T>
concept Number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

// A handle to contiguous, row-major elements. Copying a tensor aliases it; clone() copies the
// elements. Created by the functions of create.h. A default-constructed tensor is undefined: only
// defined() may be called.
class Tensor {
 public:
  Tensor() = default;
  // Uninitialized memory.
  Tensor(Backend& backend, const Shape& shape, DType dtype = DType::f32);

  bool defined() const { return storage_ != nullptr; }
  Backend& backend() const { return storage_->backend(); }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t size(int axis) const { return shape_.size(axis); }  // negative axes count from the last
  int64_t elements() const { return shape_.elements(); }
  size_t bytes() const { return static_cast<size_t>(elements()) * size_of(dtype_); }

  // Views for kernels, valid while any handle to the storage lives.
  View view() { return {address(), dtype_, shape_}; }
  ConstView view() const { return {address(), dtype_, shape_}; }

  // --- aliases of the same elements ---
  // At most one size may be -1; it is computed. Throws Error if the number of elements differs.
  Tensor reshape(const std::vector<int64_t>& sizes) const;
  Tensor reshape(const Shape& shape) const;
  Tensor reshape(std::initializer_list<int64_t> sizes) const;
  // Elements [begin, end) of the first axis; negative positions count from the end.
  Tensor rows(int64_t begin, int64_t end) const;
  // Element `index` of the first axis, which is dropped: t[-1] is the last.
  Tensor operator[](int64_t index) const;
  // The part that these indices select, as in Python: t(-1), t(all, 1), t(range(1, 3), from(1)).
  // See slices.h, which must be included.
  template <class... Indices>
  Tensor operator()(const Indices&... indices) const;
  template <class... Indices>
  TensorPart operator()(const Indices&... indices);  // can be assigned to
  // A tensor of `shape` that starts `offset` elements into this one: a part of a flat array.
  Tensor slot(int64_t offset, const Shape& shape) const;

  // --- copies ---
  Tensor clone() const;
  Tensor to(Backend& other) const;  // the only copy between devices; an alias on the same backend
  Tensor cast(DType dtype) const;   // an alias if the dtype is the same
  void copy_from(const Tensor& source);  // same shape, any dtype, same backend

  // --- copies to the host; they wait for the device ---
  template <class T>
  T item() const;  // the only element, converted; throws Error if there are more
  // The same: float(t), int64_t(t).
  template <Number T>
  explicit operator T() const {
    return item<T>();
  }
  template <class T>
  std::vector<T> to_vector() const;  // all elements, converted
  template <class T>
  std::vector<std::vector<T>> to_rows() const;  // a matrix as nested lists
  std::string to_string() const;                // nested lists, as in the book

  // Direct access to the elements. Throws Error unless the tensor is on the CPU and T is its dtype.
  template <class T>
  T* data() {
    return static_cast<T*>(host_address(dtype_of<T>()));
  }
  template <class T>
  const T* data() const {
    return static_cast<const T*>(host_address(dtype_of<T>()));
  }

 private:
  void* address() const;
  void* host_address(DType wanted) const;

  std::shared_ptr<Storage> storage_;
  int64_t offset_ = 0;  // in elements
  Shape shape_;
  DType dtype_ = DType::f32;
};

std::ostream& operator<<(std::ostream& stream, const Tensor& tensor);  // to_string()

// Throws Error, for example "name: expected f32, found i64".
void check_dtype(const char* name, const Tensor& tensor, DType dtype);

}  // namespace d2l
