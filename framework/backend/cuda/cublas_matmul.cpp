#include "framework/backend/cuda/cublas_matmul.h"

#include "framework/backend/cuda/prepared.h"

namespace d2l::cuda {
namespace {

constexpr uint64_t kWorkspaceBytes = 32 << 20;
constexpr int64_t kBiasAlignment = 16;

CublasHandle make_handle() {
  cublasLtHandle_t handle = nullptr;
  D2L_CUBLAS(cublasLtCreate(&handle));
  return CublasHandle(handle);
}

cudaDataType_t type_of(DType dtype) {
  if (dtype == DType::f16) return CUDA_R_16F;
  return dtype == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}

template <class T>
void set(const CublasProduct& product, cublasLtMatmulDescAttributes_t name, const T& value) {
  D2L_CUBLAS(cublasLtMatmulDescSetAttribute(product.get(), name, &value, sizeof value));
}
template <class T>
void set(const CublasLayout& layout, cublasLtMatrixLayoutAttribute_t name, const T& value) {
  D2L_CUBLAS(cublasLtMatrixLayoutSetAttribute(layout.get(), name, &value, sizeof value));
}
template <class T>
void set(const CublasPreference& preference, cublasLtMatmulPreferenceAttributes_t name,
         const T& value) {
  D2L_CUBLAS(cublasLtMatmulPreferenceSetAttribute(preference.get(), name, &value, sizeof value));
}

// Describes a row-major matrix, or a stack of them: its columns are the library's rows.
CublasLayout layout_of(const ConstView& view) {
  const int rank = view.shape.rank();
  const int64_t rows = view.shape[rank - 2], columns = view.shape[rank - 1];
  cublasLtMatrixLayout_t layout = nullptr;
  D2L_CUBLAS(cublasLtMatrixLayoutCreate(&layout, type_of(view.dtype),
                                        static_cast<uint64_t>(columns), static_cast<uint64_t>(rows),
                                        columns));
  CublasLayout made(layout);
  if (rank == 3) {
    set(made, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<int32_t>(view.shape[0]));
    set(made, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, rows * columns);
  }
  return made;
}

uint32_t epilogue_of(bool bias, bool relu) {
  if (bias) return relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  return relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

CublasPreference make_preference() {
  cublasLtMatmulPreference_t preference = nullptr;
  D2L_CUBLAS(cublasLtMatmulPreferenceCreate(&preference));
  CublasPreference made(preference);
  set(made, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspaceBytes);
  // Split sums (split-K) are added in f32, never in a 16-bit output.
  set(made, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      uint32_t{CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
  return made;
}

}  // namespace

CublasMatmul::CublasMatmul(CudaBackend& backend, bool tf32)
    : backend_(backend),
      tf32_(tf32),
      handle_(make_handle()),
      workspace_(backend.pool(), int64_t{kWorkspaceBytes}) {}

void CublasMatmul::run(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                       View out) {
  if (out.elements() == 0) return;
  if (a.elements() == 0) {  // an empty sum: only activation(bias) remains
    backend_.fill(out, 0);
    if (bias) backend_.binary(Binary::add, out, bias, out);
    if (params.activation != Activation::none)
      backend_.unary(unary_of(params.activation), out, out);
    return;
  }
  const DType factor = is_half(a.dtype) ? a.dtype : b.dtype;
  const bool half = is_half(factor);
  const PreparedInput left(backend_, a, {.dtype = factor}), right(backend_, b, {.dtype = factor});
  // Products of f32 numbers give only f32 results, and a bias must have the result's type.
  PreparedOutput result(backend_, out, {.dtype = half ? out.dtype : DType::f32});
  const PreparedInput added(backend_, bias,
                            {.dtype = result.view().dtype, .alignment = kBiasAlignment});
  multiply(params, {left.view(), right.view(), added.view(), result.view()});
  result.finish();
}

CublasMatmul::Sizes CublasMatmul::sizes_of(const MatmulParams& params, const ConstView& a,
                                           const View& out) {
  const int rank = out.shape.rank();
  return {.batches = rank == 3 ? out.shape[0] : 1,
          .m = out.shape[rank - 2],
          .n = out.shape[rank - 1],
          .k = a.shape[params.transpose_a ? rank - 2 : rank - 1]};
}

void CublasMatmul::multiply(const MatmulParams& params, const Operands& operands) {
  Plan& plan = plan_for(params, operands);
  const auto& [a, b, bias, out] = operands;
  if (plan.bias) set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias.data);
  const float one = 1, zero = 0;
  D2L_CUBLAS(cublasLtMatmul(handle_.get(), plan.product.get(), &one, b.data, plan.first.get(),
                            a.data, plan.second.get(), &zero, out.data, plan.out.get(), out.data,
                            plan.out.get(), &plan.algorithm, workspace_.data(), kWorkspaceBytes,
                            backend_.queue().stream));
  if (bias && !plan.bias) backend_.binary(Binary::add, out, bias, out);
  if (params.activation != Activation::none && !plan.relu)
    backend_.unary(unary_of(params.activation), out, out);
}

CublasMatmul::Plan& CublasMatmul::plan_for(const MatmulParams& params, const Operands& operands) {
  const auto& [a, b, bias, out] = operands;
  const Sizes sizes = sizes_of(params, a, out);
  const bool relu = params.activation == Activation::relu;
  const Key key{sizes.batches,
                sizes.m,
                sizes.n,
                sizes.k,
                params.transpose_a,
                params.transpose_b,
                static_cast<int64_t>(a.dtype),
                static_cast<int64_t>(out.dtype),
                epilogue_of(static_cast<bool>(bias), relu),
                alignment_of(a.data),
                alignment_of(b.data),
                alignment_of(out.data)};
  auto found = plans_.find(key);
  if (found != plans_.end()) return found->second;
  Plan plan = make_plan(params, operands, epilogue_of(static_cast<bool>(bias), relu));
  plan.bias = static_cast<bool>(bias);
  plan.relu = relu;
  if (choose_algorithm(plan, operands) != CUBLAS_STATUS_SUCCESS) {
    plan = make_plan(params, operands, CUBLASLT_EPILOGUE_DEFAULT);
    const cublasStatus_t status = choose_algorithm(plan, operands);
    check(status == CUBLAS_STATUS_SUCCESS, "cuBLAS cannot multiply ", a.shape,
          params.transpose_a ? " transposed" : "", " and ", b.shape,
          params.transpose_b ? " transposed" : "", " of ", to_string(a.dtype), " into ",
          to_string(out.dtype), ": ", cublasLtGetStatusString(status));
  }
  return plans_.emplace(key, std::move(plan)).first->second;
}

CublasMatmul::Plan CublasMatmul::make_plan(const MatmulParams& params, const Operands& operands,
                                           uint32_t epilogue) {
  const bool tf32 = tf32_ && operands.a.dtype == DType::f32;
  cublasLtMatmulDesc_t product = nullptr;
  D2L_CUBLAS(cublasLtMatmulDescCreate(
      &product, tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, CUDA_R_32F));
  Plan plan;
  plan.product.reset(product);
  const auto as_stored = [](bool transposed) {
    return static_cast<int32_t>(transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
  };
  set(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, as_stored(params.transpose_b));
  set(plan.product, CUBLASLT_MATMUL_DESC_TRANSB, as_stored(params.transpose_a));
  set(plan.product, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
  plan.first = layout_of(operands.b);
  plan.second = layout_of(operands.a);
  plan.out = layout_of(operands.out);
  return plan;
}

// Returns the library's status; "not supported" if it has no algorithm.
cublasStatus_t CublasMatmul::choose_algorithm(Plan& plan, const Operands& operands) {
  // The heuristics use only the alignment of the bias's address; later calls may pass other
  // addresses.
  if (plan.bias)
    set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
        reinterpret_cast<const void*>(uintptr_t{kBiasAlignment}));  // NOLINT: never read
  const CublasPreference preference = make_preference();
  const auto promise = [&](cublasLtMatmulPreferenceAttributes_t name, const void* data) {
    set(preference, name, static_cast<uint32_t>(alignment_of(data)));
  };
  promise(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, operands.b.data);
  promise(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, operands.a.data);
  promise(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, operands.out.data);
  promise(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, operands.out.data);
  cublasLtMatmulHeuristicResult_t best{};
  int count = 0;
  const cublasStatus_t result = cublasLtMatmulAlgoGetHeuristic(
      handle_.get(), plan.product.get(), plan.first.get(), plan.second.get(), plan.out.get(),
      plan.out.get(), preference.get(), 1, &best, &count);
  if (result != CUBLAS_STATUS_SUCCESS) return result;
  plan.algorithm = best.algo;
  return count > 0 ? best.state : CUBLAS_STATUS_NOT_SUPPORTED;
}

}  // namespace d2l::cuda
