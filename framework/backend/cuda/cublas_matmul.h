#pragma once

#include <array>
#include <map>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/handles.h"
#include "framework/backend/scratch.h"

namespace d2l::cuda {

// Matrix products with cuBLASLt. Sums are f32. f32 operands are multiplied as f32, or as TF32 if
// `tf32`. If one operand has 16 bits, the other one is first rounded to 16 bits. The library's
// heuristics choose an algorithm once per kind of product; the order of additions depends on the
// sizes alone.
class CublasMatmul {
 public:
  CublasMatmul(CudaBackend& backend, bool tf32);

  // See Backend::matmul.
  void run(const MatmulParams& params, ConstView a, ConstView b, ConstView bias, View out);

 private:
  // What the choice of an algorithm depends on, as plain numbers.
  using Key = std::array<int64_t, 12>;
  struct Sizes {
    int64_t batches = 1, m = 0, n = 0, k = 0;
  };
  struct Operands {
    ConstView a, b, bias;  // in types that the library multiplies
    View out;
  };
  // The library's matrices are column-major: it computes out^T = op(b)^T op(a)^T, so b comes first,
  // and a bias has one element per row.
  struct Plan {
    CublasProduct product;
    CublasLayout first, second, out;
    cublasLtMatmulAlgo_t algorithm{};
    bool bias = false, relu = false;  // computed by the product itself
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
