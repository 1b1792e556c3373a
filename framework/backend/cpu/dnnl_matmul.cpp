#include <algorithm>

#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/bf16_matmul.h"
#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/dnnl_pieces.h"
#include "framework/backend/cpu/widened.h"

namespace d2l::cpu {
namespace {

using dnnl_version::Dims;
using dnnl_version::Md;

// Describes `rows` x `columns` of the matrix (or stack of matrices) in `view`; a transposed one
// swaps its last two axes.
Md matrix_of(const Shape& shape, DType dtype, bool transposed, int64_t rows, int64_t columns) {
  Dims sizes(shape.begin(), shape.end());
  size_t rank = sizes.size();
  Dims strides(rank, 1);
  for (size_t axis = rank - 1; axis > 0; --axis) strides[axis - 1] = strides[axis] * sizes[axis];
  if (transposed) std::swap(strides[rank - 1], strides[rank - 2]);
  sizes[rank - 2] = rows;
  sizes[rank - 1] = columns;
  return {sizes, dnnl_type(dtype), strides};
}

struct Product {
  const MatmulParams& params;
  ConstView a, b, bias;
  View out;

  int64_t rows() const { return out.shape.size(-2); }
  int64_t columns() const { return out.shape.size(-1); }
  int64_t inner() const { return a.shape.size(params.transpose_a ? -2 : -1); }
};

// The primitive for `rows` x `columns` of the result.
std::unique_ptr<CachedPrimitive> make_matmul(const dnnl::engine& engine, const Product& p,
                                             int64_t rows, int64_t columns) {
  const auto& [params, a, b, bias, out] = p;
  // Products of 16-bit numbers are summed in f32. If one operand is f32, it is rounded first.
  const bool half = a.dtype == DType::bf16 || b.dtype == DType::bf16;
  auto inside = [half](const ConstView& operand, const Md& outside) {
    if (!half || operand.dtype == DType::bf16) return outside;
    return Md(outside.dims(), dnnl_type(DType::bf16), dnnl::memory::format_tag::any);
  };
  const Md a_md = matrix_of(a.shape, a.dtype, params.transpose_a, rows, p.inner());
  const Md b_md = matrix_of(b.shape, b.dtype, params.transpose_b, p.inner(), columns);
  const Md out_md = matrix_of(out.shape, out.dtype, false, rows, columns);
  Md bias_md;
  if (bias) {
    Shape sizes = out.shape;
    for (int axis = 0; axis < sizes.rank() - 1; ++axis) sizes[axis] = 1;
    bias_md = matrix_of(sizes, DType::f32, false, 1, columns);
  }
  auto description = dnnl_version::matmul(engine, inside(a, a_md), inside(b, b_md), bias_md, out_md,
                                          attributes_with(params.activation));
  auto made = std::make_unique<CachedPrimitive>(engine, dnnl::matmul(description),
                                                description.scratchpad_desc());
  made->input(DNNL_ARG_SRC, a_md, description.src_desc());
  made->input(DNNL_ARG_WEIGHTS, b_md, description.weights_desc());
  made->output(DNNL_ARG_DST, out_md, out_md);
  if (bias) made->input(DNNL_ARG_BIAS, bias_md, bias_md);
  return made;
}

template <class AnyView>
const std::byte* at(const AnyView& view, int64_t element) {
  return static_cast<const std::byte*>(view.data) +
         element * static_cast<int64_t>(size_of(view.dtype));
}

// The work for these rows and columns of the result; stacks of matrices have one piece.
DnnlWork work_of(DnnlState& state, const Product& p, PieceOfItems rows, PieceOfItems columns) {
  const auto& [params, a, b, bias, out] = p;
  PrimitiveKey key(DnnlOp::matmul);
  key.add(params.transpose_a).add(params.transpose_b).add(static_cast<bool>(bias));
  key.add(static_cast<int64_t>(params.activation)).add(a.shape).add(b.shape);
  for (DType dtype : {a.dtype, b.dtype, out.dtype}) key.add(static_cast<int64_t>(dtype));
  key.add(rows.count()).add(columns.count());
  CachedPrimitive& primitive =
      state.find(key, [&] { return make_matmul(state.engine, p, rows.count(), columns.count()); });
  return {&primitive,
          {at(a, rows.begin * (params.transpose_a ? 1 : p.inner())),
           at(b, columns.begin * (params.transpose_b ? p.inner() : 1)),
           at(out, rows.begin * p.columns() + columns.begin),
           bias ? at(bias, columns.begin) : nullptr}};
}

// Each piece has whole rows or whole columns of the result, so no sum is divided.
void multiply(DnnlState& state, const Product& p) {
  constexpr int64_t kMost = 16, kWork = 1 << 20;  // pieces; multiplications in one
  const bool by_rows = p.rows() >= p.columns();
  const int64_t others = by_rows ? p.columns() : p.rows();
  const PieceSizes sizes{
      .most = kMost, .fewest = kWork / std::max<int64_t>(others * p.inner(), 1) + 1, .grain = 32};
  const PieceOfItems all_rows{0, p.rows()}, all_columns{0, p.columns()};
  std::vector<PieceOfItems> pieces = {by_rows ? all_rows : all_columns};
  if (p.out.shape.rank() == 2 && p.a.shape.rank() == 2 && p.b.shape.rank() == 2)
    pieces = pieces_of(state, pieces[0].end, sizes);
  std::vector<DnnlWork> works;
  works.reserve(pieces.size());
  for (const PieceOfItems& piece : pieces)
    works.push_back(by_rows ? work_of(state, p, piece, all_columns)
                            : work_of(state, p, all_rows, piece));
  run_pieces(state, works);
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
  multiply(dnnl_.state(), {params, a, b, bias, out});
}

}  // namespace d2l::cpu
