#pragma once

#include <algorithm>
#include <cstdint>

#include "framework/backend/formulas.h"
#include "framework/backend/kernels/observed_kernels.h"
#include "framework/backend/params.h"
#include "framework/backend/traffic.h"

namespace d2l {

enum class Reduction { sum, mean, max, min };

// Copies, element-wise functions, reductions and matrix products. See Kernels.
class ArrayKernels : public virtual ObservedKernels {
 public:
  // Rounds `values` (f32) to `dtype` once. Until the next call, products that multiply parts of
  // `values` in `dtype` may use this copy instead of making their own; `values` must not change
  // until then. {} ends this. See RoundedOnce.
  void round_once(ConstView values, DType dtype) {
    observed({"round_once", Work::copies}, [&] { do_round_once(values, dtype); });
  }

  // --- copies ---
  // Any dtype.
  void fill(View out, double value) {
    observed({"fill", Work::copies, moved({}, {out})}, [&] { do_fill(out, value); });
  }
  // Any strides and dtypes: slices, steps, permutations, broadcasts (stride 0) and casts. Shapes
  // are equal. `accumulate` adds instead of overwriting (both sides f32).
  void copy(const ConstStridedView& in, const StridedView& out, bool accumulate) {
    observed({"copy", Work::copies, moved({in, accumulate ? out : StridedView{}}, {out})},
             [&] { do_copy(in, out, accumulate); });
  }
  // out[i, :] = table[indices[i], :]. indices are i64; the caller has checked their range.
  void gather_rows(ConstView table, ConstView indices, View out) {
    observed({"gather_rows", Work::copies,
              moved({indices}, {out}) + std::min(out.bytes(), table.bytes())},
             [&] { do_gather_rows(table, indices, out); });
  }
  // table[indices[i], :] += rows[i, :], in the order of i.
  void scatter_add_rows(ConstView rows, ConstView indices, View table) {
    observed({"scatter_add_rows", Work::copies,
              moved({rows, indices}, {}) + 2 * std::min(rows.bytes(), table.bytes())},
             [&] { do_scatter_add_rows(rows, indices, table); });
  }

  // --- element-wise; outputs may be one of the inputs; activations, except in compare ---
  void unary(Unary op, ConstView x, View y) {
    observed({"unary", Work::element_wise, moved({x}, {y})}, [&] { do_unary(op, x, y); });
  }
  // grad_x = grad_y * dy/dx; for the activations only y is read and x may be {}.
  void unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y, View grad_x) {
    observed({"unary_backward", Work::element_wise, moved({x ? x : y, grad_y}, {grad_x})},
             [&] { do_unary_backward(op, x, y, grad_y, grad_x); });
  }
  // a and b broadcast to out.shape.
  void binary(Binary op, ConstView a, ConstView b, View out) {
    observed({"binary", Work::element_wise, moved({a, b}, {out})},
             [&] { do_binary(op, a, b, out); });
  }
  // a op b
  void binary_scalar(Binary op, ConstView a, double b, View out) {
    observed({"binary_scalar", Work::element_wise, moved({a}, {out})},
             [&] { do_binary_scalar(op, a, b, out); });
  }
  // a op b
  void scalar_binary(Binary op, double a, ConstView b, View out) {
    observed({"scalar_binary", Work::element_wise, moved({b}, {out})},
             [&] { do_scalar_binary(op, a, b, out); });
  }
  // out is u8: 1 where the comparison is true. a and b broadcast to out.shape.
  void compare(Compare op, ConstView a, ConstView b, View out) {
    observed({"compare", Work::element_wise, moved({a, b}, {out})},
             [&] { do_compare(op, a, b, out); });
  }
  // y = alpha x + beta y; y is not read when beta is 0.
  void axpby(double alpha, ConstView x, double beta, View y) {
    observed({"axpby", Work::element_wise, moved({x, beta != 0 ? y : View{}}, {y})},
             [&] { do_axpby(alpha, x, beta, y); });
  }
  void dropout(const DropoutParams& params, ConstView x, View y) {
    observed({"dropout", Work::element_wise, moved({x}, {y})}, [&] { do_dropout(params, x, y); });
  }

  // --- images ---
  // y (activations) = v = x (u8, [n, h, w, c]) / 255, after the random changes that params
  // describes. If mean and deviation ([c] each) are given: y = (v - mean) / deviation. The padding
  // around an image is bytes of 0. samples, i64 [n], are the images' numbers in the dataset, which
  // determine the random values; {} if nothing is random.
  //
  // If pairs and weights are given, the images are then mixed in pairs. pairs, i64 [m, 5], m <= n:
  // for each of the first m images another image and a rectangle, top, left, bottom, right. The
  // pixels of the rectangle become those of the other image (CutMix). If it is empty, all values
  // become weight * value + (1 - weight) * value of the other image (mixup). weights [m] are
  // multiples of 2^-24 from 0 to 1. Two images that name each other have the same numbers. Images
  // from m on are only read. An image that names itself has weight 1 and no rectangle.
  struct ImageOperands {
    ConstView x, samples, mean, deviation;
    ConstView pairs = {}, weights = {};
  };
  void prepare_images(const ImageParams& params, const ImageOperands& in, View y) {
    observed({"prepare_images", Work::element_wise}, [&] { do_prepare_images(params, in, y); });
  }

  // --- reductions; the order of additions does not depend on the number of threads ---
  // y.shape is x.shape with the reduced axes set to 1.
  void reduce(Reduction op, ConstView x, View y) {
    observed({"reduce", Work::copies, moved({x}, {y})}, [&] { do_reduce(op, x, y); });
  }
  // indices (i64) has x.shape without `axis`; the first of equal values wins.
  void argmax(ConstView x, int axis, View indices) {
    observed({"argmax", Work::copies, moved({x}, {indices})}, [&] { do_argmax(x, axis, indices); });
  }
  void cumsum(ConstView x, int axis, bool reverse, View y) {
    observed({"cumsum", Work::copies, moved({x}, {y})}, [&] { do_cumsum(x, axis, reverse, y); });
  }

  // --- linear algebra; bias [n] may be {}; a, b and out may each have the activations' type ---
  void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias, View out) {
    observed({"matmul", Work::matmul, moved({a, b, bias}, {out}), product(params, a, out),
              multiplied(a, b)},
             [&] { do_matmul(params, a, b, bias, out); });
  }

 private:
  virtual void do_round_once(ConstView values, DType dtype) = 0;
  virtual void do_fill(View out, double value) = 0;
  virtual void do_copy(const ConstStridedView& in, const StridedView& out, bool accumulate) = 0;
  virtual void do_gather_rows(ConstView table, ConstView indices, View out) = 0;
  virtual void do_scatter_add_rows(ConstView rows, ConstView indices, View table) = 0;
  virtual void do_unary(Unary op, ConstView x, View y) = 0;
  virtual void do_unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y,
                                 View grad_x) = 0;
  virtual void do_binary(Binary op, ConstView a, ConstView b, View out) = 0;
  virtual void do_binary_scalar(Binary op, ConstView a, double b, View out) = 0;
  virtual void do_scalar_binary(Binary op, double a, ConstView b, View out) = 0;
  virtual void do_compare(Compare op, ConstView a, ConstView b, View out) = 0;
  virtual void do_axpby(double alpha, ConstView x, double beta, View y) = 0;
  virtual void do_dropout(const DropoutParams& params, ConstView x, View y) = 0;
  virtual void do_prepare_images(const ImageParams& params, const ImageOperands& in, View y) = 0;
  virtual void do_reduce(Reduction op, ConstView x, View y) = 0;
  virtual void do_argmax(ConstView x, int axis, View indices) = 0;
  virtual void do_cumsum(ConstView x, int axis, bool reverse, View y) = 0;
  virtual void do_matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                         View out) = 0;

  static int64_t product(const MatmulParams& params, const ConstView& a, const ConstView& out) {
    return out.elements() * a.shape.size(params.transpose_a ? -2 : -1);
  }
  // If one operand has 16 bits, the product rounds the other one to 16 bits.
  static DType multiplied(const ConstView& a, const ConstView& b) {
    return a.dtype == DType::f32 ? b.dtype : a.dtype;
  }
};

}  // namespace d2l
