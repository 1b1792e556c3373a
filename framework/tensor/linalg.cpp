#include "framework/tensor/linalg.h"

#include "framework/tensor/checks.h"

namespace d2l {

namespace {

// The sizes of op(a) x op(b): [batch, rows, inner] x [batch, inner, columns].
struct Product {
  int64_t rows, inner, columns;
};

std::string described(const char* name, const Tensor& x, bool transposed) {
  return concat(name, " ", x.shape(), transposed ? " transposed" : "");
}

Product check_product(const Tensor& a, const Tensor& b, const MatmulParams& params) {
  check(a.rank() == b.rank() && (a.rank() == 2 || a.rank() == 3),
        "matmul: expected two tensors with 2 axes, two with 3, or a matrix and a vector, found a ",
        a.shape(), " and b ", b.shape());
  check(a.rank() == 2 || a.size(0) == b.size(0), "matmul: a ", a.shape(), " has ", a.size(0),
        " matrices, b ", b.shape(), " has ", b.size(0));
  int64_t rows = a.size(-2), columns_a = a.size(-1), rows_b = b.size(-2), columns = b.size(-1);
  if (params.transpose_a) std::swap(rows, columns_a);
  if (params.transpose_b) std::swap(rows_b, columns);
  check(columns_a == rows_b, "matmul: ", described("a", a, params.transpose_a), " has ", columns_a,
        " columns, ", described("b", b, params.transpose_b), " has ", rows_b, " rows");
  return {rows, columns_a, columns};
}

void run(const MatmulParams& params, const Tensor& a, const Tensor& b, int64_t inner, Tensor& out) {
  if (out.elements() == 0) return;
  if (inner > 0) return out.backend().matmul(params, a.view(), b.view(), {}, out.view());
  out.backend().fill(out.view(), 0);
  if (params.activation != Activation::none)
    out.backend().unary(unary_of(params.activation), out.view(), out.view());
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulParams& params) {
  check_floats("matmul", a);
  check_floats("matmul", b);
  check_same_backend("matmul", a, b);
  if (a.rank() == 2 && b.rank() == 1) {
    check(!params.transpose_b, "matmul: b ", b.shape(), " is a vector and cannot be transposed");
    int64_t columns = a.size(params.transpose_a ? 0 : 1);
    check(columns == b.size(0), "matmul: ", described("a", a, params.transpose_a), " has ", columns,
          " columns, b ", b.shape(), " has ", b.size(0), " elements");
    Tensor column = matmul(a, b.reshape(Shape{b.size(0), 1}), params);
    return column.reshape(Shape{column.size(0)});
  }
  Product product = check_product(a, b, params);
  Shape shape;
  if (a.rank() == 3) shape.append(a.size(0));
  shape.append(product.rows);
  shape.append(product.columns);
  Tensor result(a.backend(), shape, joint_dtype("matmul", a, b));
  run(params, a, b, product.inner, result);
  return result;
}

Tensor dot(const Tensor& a, const Tensor& b) {
  check_dtype("dot", a, DType::f32);
  check_dtype("dot", b, DType::f32);
  check(a.rank() == 1 && b.rank() == 1 && a.size(0) == b.size(0),
        "dot: expected two vectors of the same length, found a ", a.shape(), " and b ", b.shape());
  check_same_backend("dot", a, b);
  return matmul(a.reshape(Shape{1, a.size(0)}), b).reshape(Shape{});
}

}  // namespace d2l
