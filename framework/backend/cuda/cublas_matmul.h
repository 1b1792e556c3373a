#pragma once

#include <array>
#include <map>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/handles.h"
#include "framework/backend/scratch.h"

namespace d2l::cuda {

// Matrix products by cuBLASLt. Sums are f32; f32 operands are multiplied as f32, or as tf32 if
// `tf32`; with a 16-bit operand the other one is rounded to 16 bits on the way in. Algorithms are
// the library's choice, asked for once per kind of product, and add in an order that the sizes
// alone decide.
class CublasMatmul {
 public:
  CublasMatmul(CudaBackend& backend, bool tf32);

  // As Backend::matmul.
  void run(const MatmulParams& params, ConstView a, ConstView b, ConstView bias, View out);

 private:
  // What an algorithm depends on, as plain numbers.
  using Key = std::array<int64_t, 12>;
  struct Sizes {
    int64_t batches = 1, m = 0, n = 0, k = 0;
  };
  struct Operands {
    ConstView a, b, bias;  // of types that the library multiplies
    View out;
  };
  // The library's matrices are column by column: row by row they are out^T = op(b)^T op(a)^T, so b
  // comes first and a bias has one element per row.
  struct Plan {
    CublasProduct product;
    CublasLayout first, second, out;
    cublasLtMatmulAlgo_t algorithm{};
    bool bias = false, relu = false;  // done by the product
  };

  static Sizes sizes_of(const MatmulParams& params, const ConstView& a, const View& out);
  Plan& plan_for(const MatmulParams& params, const Operands& operands);
  Plan make_plan(const MatmulParams& params, const Operands& operands, uint32_t epilogue);
  cublasStatus_t choose_algorithm(Plan& plan, const Operands& operands);
  void multiply(const MatmulParams& params, const Operands& operands);

  CudaBackend& backend_;
  bool tf32_;
  CublasHandle handle_;
  Scratch<char> workspace_;
  std::map<Key, Plan> plans_;
};

}  // namespace d2l::cuda
