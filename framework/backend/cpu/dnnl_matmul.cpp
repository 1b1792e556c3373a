#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/bf16_matmul.h"
#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/dnnl_cache.h"
#include "framework/backend/cpu/widened.h"

namespace d2l::cpu {
namespace {

using dnnl_version::Dims;
using dnnl_version::Md;

// Describes the matrix (or stack of matrices) in `view`; a transposed one swaps its last two axes.
Md matrix_of(const Shape& shape, DType dtype, bool transposed) {
  Dims sizes(shape.begin(), shape.end());
  size_t rank = sizes.size();
  Dims strides(rank, 1);
  for (size_t axis = rank - 1; axis > 0; --axis) strides[axis - 1] = strides[axis] * sizes[axis];
  if (transposed) {
    std::swap(sizes[rank - 1], sizes[rank - 2]);
    std::swap(strides[rank - 1], strides[rank - 2]);
  }
  return {sizes, dnnl_type(dtype), strides};
}

std::unique_ptr<CachedPrimitive> make_matmul(const dnnl::engine& engine, const MatmulParams& params,
                                             ConstView a, ConstView b, bool with_bias, View out) {
  // Products of 16-bit numbers are summed in f32. If one operand is f32, it is rounded first.
  const bool half = a.dtype == DType::bf16 || b.dtype == DType::bf16;
  auto inside = [&](const ConstView& operand, const Md& outside) {
    if (!half || operand.dtype == DType::bf16) return outside;
    return Md(outside.dims(), dnnl_type(DType::bf16), dnnl::memory::format_tag::any);
  };
  const Md a_md = matrix_of(a.shape, a.dtype, params.transpose_a);
  const Md b_md = matrix_of(b.shape, b.dtype, params.transpose_b);
  const Md out_md = matrix_of(out.shape, out.dtype, false);
  Md bias_md;
  if (with_bias) {
    Shape sizes = out.shape;
    for (int axis = 0; axis < sizes.rank() - 1; ++axis) sizes[axis] = 1;
    bias_md = matrix_of(sizes, DType::f32, false);
  }
  auto description = dnnl_version::matmul(engine, inside(a, a_md), inside(b, b_md), bias_md, out_md,
                                          attributes_with(params.activation));
  auto made = std::make_unique<CachedPrimitive>(engine, dnnl::matmul(description),
                                                description.scratchpad_desc());
  made->input(DNNL_ARG_SRC, a_md, description.src_desc());
  made->input(DNNL_ARG_WEIGHTS, b_md, description.weights_desc());
  made->output(DNNL_ARG_DST, out_md, out_md);
  if (with_bias) made->input(DNNL_ARG_BIAS, bias_md, bias_md);
  return made;
}

// With few rows, rounding f32 weights takes as long as the 16-bit product saves. If the weights
// exceed every cache and must be transposed, it takes longer. On Zen 4, in nanoseconds per weight:
// rounding 0.3 to 0.5, rounding with a transpose 1.3, one row of the f32 product 0.02.
bool rounding_costs_more(const MatmulParams& params, ConstView a, ConstView b) {
  constexpr int64_t kFewRows = 32, kRowsToTranspose = 128, kManyWeights = 1 << 18;
  if (b.dtype != DType::f32 || params.transpose_a || a.shape.rank() != 2) return false;
  const bool slow = params.transpose_b && b.elements() > kManyWeights;
  return a.shape[0] < (slow ? kRowsToTranspose : kFewRows);
}

}  // namespace

void CpuBackend::do_matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                           View out) {
  if (out.elements() == 0) return;
  if (a.elements() == 0) {  // an empty sum: only activation(bias) remains
    fill(out, 0);
    if (bias) binary(Binary::add, out, bias, out);
    if (params.activation != Activation::none) unary(unary_of(params.activation), out, out);
    return;
  }
  const bool half = a.dtype == DType::bf16 || b.dtype == DType::bf16 || out.dtype == DType::bf16;
  if (half && (bf16_products() == Bf16Products::f32 || rounding_costs_more(params, a, b))) {
    const TallProduct tall{params, a, b, bias, out};
    if (tall.suits()) return multiply_tall(pool_, tall);
    const WidenedInput wide_a(*this, a), wide_b(*this, b);
    const WidenedOutput wide_out(*this, out);
    return matmul(params, wide_a.view(), wide_b.view(), bias, wide_out.view());
  }
  DnnlState& state = dnnl_.state();
  bool with_bias = static_cast<bool>(bias);
  PrimitiveKey key(DnnlOp::matmul);
  key.add(params.transpose_a).add(params.transpose_b).add(with_bias);
  key.add(static_cast<int64_t>(params.activation)).add(a.shape).add(b.shape);
  for (DType dtype : {a.dtype, b.dtype, out.dtype}) key.add(static_cast<int64_t>(dtype));
  CachedPrimitive& primitive =
      state.find(key, [&] { return make_matmul(state.engine, params, a, b, with_bias, out); });
  if (with_bias)
    primitive.run(state.stream, state.pool, {a.data, b.data, out.data, bias.data});
  else
    primitive.run(state.stream, state.pool, {a.data, b.data, out.data});
}

}  // namespace d2l::cpu
