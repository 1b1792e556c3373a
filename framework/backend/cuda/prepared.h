#pragma once

#include <optional>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/scratch.h"

namespace d2l::cuda {

// The largest power of two that divides an address, at most 256.
int64_t alignment_of(const void* data);

// The type and alignment that a library requires of an operand. alignment: of its address, in
// bytes.
struct OperandRequirements {
  DType dtype = DType::f32;
  int64_t alignment = 1;
};

// An input in the form that a library requires: the input itself, its part of the backend's rounded
// copy, or a copy in scratch memory that lives as long as this object.
class PreparedInput {
 public:
  PreparedInput(CudaBackend& backend, ConstView view, const OperandRequirements& required);
  ConstView view() const { return view_; }

 private:
  std::optional<Scratch<char>> memory_;
  ConstView view_;
};

// An output in the form that a library requires: the output itself, or scratch memory. With
// `accumulate`, scratch memory starts as a copy of the output.
class PreparedOutput {
 public:
  PreparedOutput(CudaBackend& backend, View out, const OperandRequirements& required,
                 bool accumulate = false);
  View view() const { return view_; }
  void finish();  // copies scratch memory to the output

 private:
  CudaBackend& backend_;
  View out_;
  std::optional<Scratch<char>> memory_;
  View view_;
};

}  // namespace d2l::cuda
