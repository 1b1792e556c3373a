#pragma once

#include <optional>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/scratch.h"

namespace d2l::cuda {

// The largest power of two that divides an address, at most 256.
int64_t alignment_of(const void* data);

// What a library wants of an operand. alignment: of its address, in bytes.
struct Wanted {
  DType dtype = DType::f32;
  int64_t alignment = 1;
};

// An input as a library wants it: itself, its part of the backend's rounded copy, or a copy in
// scratch memory that lives as long as this object.
class PreparedInput {
 public:
  PreparedInput(CudaBackend& backend, ConstView view, const Wanted& wanted);
  ConstView view() const { return view_; }

 private:
  std::optional<Scratch<char>> memory_;
  ConstView view_;
};

// An output as a library wants it: itself, or scratch memory, which begins as the output does where
// something is added to it (`accumulate`).
class PreparedOutput {
 public:
  PreparedOutput(CudaBackend& backend, View out, const Wanted& wanted, bool accumulate = false);
  View view() const { return view_; }
  void finish();  // copies scratch memory to where it belongs

 private:
  CudaBackend& backend_;
  View out_;
  std::optional<Scratch<char>> memory_;
  View view_;
};

}  // namespace d2l::cuda
