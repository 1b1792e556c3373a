#pragma once

#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/base/error.h"
#include "framework/tensor/storage.h"

namespace d2l {

// A handle on contiguous, row-major elements: copying it aliases, clone() copies. Made by the
// functions of create.h; a default-constructed one is undefined and only answers defined().
class Tensor {
 public:
  Tensor() = default;
  // Fresh memory whose content is arbitrary.
  Tensor(Backend& backend, const Shape& shape, DType dtype = DType::f32);

  bool defined() const { return storage_ != nullptr; }
  Backend& backend() const { return storage_->backend(); }
  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  int rank() const { return shape_.rank(); }
  int64_t size(int axis) const { return shape_.size(axis); }  // negative: from the last
  int64_t elements() const { return shape_.elements(); }
  size_t bytes() const { return static_cast<size_t>(elements()) * size_of(dtype_); }

  // What kernels take. Valid as long as some handle on the storage lives.
  View view() { return {address(), dtype_, shape_}; }
  ConstView view() const { return {address(), dtype_, shape_}; }

  // --- aliases of the same elements ---
  // One size may be -1 and is inferred. Throws Error when the number of elements differs.
  Tensor reshape(const std::vector<int64_t>& sizes) const;
  Tensor reshape(const Shape& shape) const;
  Tensor reshape(std::initializer_list<int64_t> sizes) const;
  // Elements [begin, end) of the first axis; negative positions count from the end.
  Tensor rows(int64_t begin, int64_t end) const;
  // One element of the first axis, which disappears: t[-1] is the last.
  Tensor operator[](int64_t index) const;
  // `shape` at `offset` elements into this tensor: the slots of an arena.
  Tensor slot(int64_t offset, const Shape& shape) const;

  // --- copies ---
  Tensor clone() const;
  Tensor to(Backend& other) const;  // the only copy between devices; an alias on the same backend
  Tensor cast(DType dtype) const;   // an alias when nothing changes
  void copy_from(const Tensor& source);  // same shape, any dtype, same backend

  // --- to the host; these wait for the device ---
  template <class T>
  T item() const;  // the only element, converted; throws Error when there are more
  template <class T>
  std::vector<T> to_vector() const;  // all elements, converted
  template <class T>
  std::vector<std::vector<T>> to_rows() const;  // a matrix as nested lists
  std::string to_string() const;                // nested lists, as in the book

  // Direct access; CPU tensors only, and T must be the dtype. Throws Error otherwise.
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

// Throws Error "name: expected f32, found i64" and the like.
void check_dtype(const char* name, const Tensor& tensor, DType dtype);

}  // namespace d2l
