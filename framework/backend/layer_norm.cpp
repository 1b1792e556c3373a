#include "framework/backend/backend.h"
#include "framework/backend/scratch.h"

// The definition of layer normalisation in basic operations.

namespace d2l {
namespace {

struct RowShapes {
  Shape matrix, column, row;  // [r, c], [r, 1], [1, c]
};

RowShapes rows_of(const Shape& shape) {
  const int64_t columns = shape.size(-1), rows = shape.elements(0, shape.rank() - 1);
  return {{rows, columns}, {rows, 1}, {1, columns}};
}

ConstView as(ConstView view, const Shape& shape) { return {view.data, view.dtype, shape}; }
View as(View view, const Shape& shape) { return {view.data, view.dtype, shape}; }

// y = (x - mean) / sqrt(variance + epsilon); also writes the inverse of the divisor to `inverse`.
void normalize(Backend& on, const LayerNormParams& params, ConstView x,
               const Backend::NormStatistics& of_rows, View inverse, View y) {
  on.binary(Binary::sub, x, as(of_rows.mean, inverse.shape), y);
  on.binary_scalar(Binary::add, as(of_rows.variance, inverse.shape), params.epsilon, inverse);
  on.unary(Unary::sqrt, inverse, inverse);
  on.unary(Unary::reciprocal, inverse, inverse);
  on.binary(Binary::mul, y, inverse, y);
}

}  // namespace

void Backend::do_layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                            const NormStatistics& of_rows) {
  const RowShapes rows = rows_of(y.shape);
  Scratch<float> memory(pool(), rows.column.elements());
  const ConstView x = as(in.x, rows.matrix);
  const View out = as(y, rows.matrix), mean = as(of_rows.mean, rows.column);
  reduce(Reduction::mean, x, mean);
  binary(Binary::sub, x, mean, out);
  unary(Unary::square, out, out);
  reduce(Reduction::mean, out, as(of_rows.variance, rows.column));
  normalize(*this, params, x, of_rows, {memory.data(), DType::f32, rows.column}, out);
  binary(Binary::mul, out, in.gamma, out);
  binary(Binary::add, out, in.beta, out);
}

void Backend::do_layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                                     const NormStatistics& of_rows, ConstView grad_y,
                                     const NormGradients& gradients) {
  const RowShapes rows = rows_of(grad_y.shape);
  Scratch<float> memory(pool(), 2 * rows.matrix.elements() + 2 * rows.column.elements());
  const View normal{memory.data(), DType::f32, rows.matrix};
  const View product{memory.data() + normal.elements(), DType::f32, rows.matrix};
  const View inverse{product.as<float>() + normal.elements(), DType::f32, rows.column};
  const View mean{inverse.as<float>() + inverse.elements(), DType::f32, rows.column};
  const ConstView grad = as(grad_y, rows.matrix);
  normalize(*this, params, as(in.x, rows.matrix), of_rows, inverse, normal);
  binary(Binary::mul, grad, normal, product);
  reduce(Reduction::sum, product, as(gradients.gamma, rows.row));
  reduce(Reduction::sum, grad, as(gradients.beta, rows.row));
  // With g = grad gamma: grad_x = (g - mean(g) - normal mean(g normal)) / sqrt(...).
  const View out = as(gradients.x, rows.matrix);
  binary(Binary::mul, product, in.gamma, product);
  reduce(Reduction::mean, product, mean);
  binary(Binary::mul, normal, mean, normal);
  binary(Binary::mul, grad, in.gamma, out);
  reduce(Reduction::mean, out, mean);
  binary(Binary::sub, out, mean, out);
  binary(Binary::sub, out, normal, out);
  binary(Binary::mul, out, inverse, out);
}

}  // namespace d2l
