#include "framework/backend/cpu/convolution/dnnl/pointwise.h"

namespace d2l::cpu {
namespace {

// The pixels as rows of a matrix.
ConstView rows_of(ConstView pixels) {
  const int64_t channels = pixels.shape.size(-1);
  return {pixels.data, pixels.dtype, {pixels.elements() / channels, channels}};
}
View rows_of(View pixels) {
  const int64_t channels = pixels.shape.size(-1);
  return {pixels.data, pixels.dtype, {pixels.elements() / channels, channels}};
}

ConstView matrix_of(ConstView weight) {
  return {weight.data, weight.dtype, {weight.shape[0], weight.shape[3]}};
}

// The pixels of images [n, h, w, c] that a convolution with strides reads.
Shape seen_shape(const ConvolutionShape& s) { return {s.images, s.out_height, s.out_width, s.in}; }
Strides seen_strides(const ConvolutionShape& s) {
  return {s.x_image(), s.params.stride.height * s.width * s.in, s.params.stride.width * s.in, 1};
}

}  // namespace

bool pointwise_suits(const ConvolutionShape& s) {
  const bool point = s.kernel_height == 1 && s.kernel_width == 1 && !s.padded();
  const bool odd = s.in % 16 != 0 || s.out % 16 != 0;
  return point && odd && (!s.unit_stride() || s.dtype == DType::bf16);
}

void pointwise_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                              const InputGradientOperands& operands) {
  Backend& backend = on.backend;
  const auto& [grad_y, weight, grad_x] = operands;
  if (s.unit_stride())
    return backend.matmul({}, rows_of(grad_y), matrix_of(weight), {}, rows_of(grad_x));
  Scratch<char> memory(backend.pool(), s.images * s.out_height * s.out_width * s.in *
                                           static_cast<int64_t>(size_of(grad_x.dtype)));
  const View seen{memory.data(), grad_x.dtype, seen_shape(s)};
  backend.matmul({}, rows_of(grad_y), matrix_of(weight), {}, rows_of(seen));
  backend.fill(grad_x, 0);
  backend.copy({seen.data, seen.dtype, seen.shape, contiguous_strides(seen.shape)},
               {grad_x.data, grad_x.dtype, seen.shape, seen_strides(s)}, false);
}

void pointwise_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                               const WeightGradientOperands& operands) {
  Backend& backend = on.backend;
  const auto& [x, grad_y, grad_weight, grad_bias] = operands;
  const int64_t elements = seen_shape(s).elements();
  Scratch<char> memory(backend.pool(),
                       s.unit_stride() ? 0 : elements * static_cast<int64_t>(size_of(x.dtype)));
  ConstView seen = x;
  if (!s.unit_stride()) {
    const View copy{memory.data(), x.dtype, seen_shape(s)};
    backend.copy({x.data, x.dtype, copy.shape, seen_strides(s)},
                 {copy.data, copy.dtype, copy.shape, contiguous_strides(copy.shape)}, false);
    seen = copy;
  }
  const View weight{grad_weight.data, DType::f32, {s.out, s.in}};
  backend.matmul({.transpose_a = true}, rows_of(grad_y), rows_of(seen), {}, weight);
  if (grad_bias)
    backend.reduce(Reduction::sum, rows_of(grad_y), {grad_bias.data, DType::f32, {1, s.out}});
}

}  // namespace d2l::cpu
