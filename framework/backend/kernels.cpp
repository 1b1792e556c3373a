#include "framework/backend/kernels.h"

#include "framework/backend/traffic.h"

namespace d2l {
namespace {

// y [n, oh, ow, o], weight [o, kh, kw, c]
int64_t convolution(const ConstView& y, const ConstView& weight) {
  return y.elements() * weight.shape.elements(1, weight.shape.rank());
}

int64_t product(const MatmulParams& params, const ConstView& a, const ConstView& out) {
  return out.elements() * a.shape.size(params.transpose_a ? -2 : -1);
}

int64_t attention_products(const Kernels::AttentionOperands& in) {
  const Shape &queries = in.queries.shape, &values = in.values.shape;
  return queries[0] * queries[1] * values[1] * (queries[2] + values[2]);
}

// If one operand has 16 bits, the product rounds the other one to 16 bits.
DType multiplied(const ConstView& a, const ConstView& b) {
  return a.dtype == DType::f32 ? b.dtype : a.dtype;
}

// The result of a batch norm, or its mask, if the gradient reads it.
ConstView result_read(const Kernels::NormOutput& out, const Kernels::NormGradients& gradients) {
  if (!gradients.before) return {};
  return out.mask ? out.mask : out.y;
}

// The bytes of flat arrays, in proportion to the part that an optimizer's ranges cover.
int64_t covered_bytes(StepRanges ranges, int64_t bytes, const ConstView& array) {
  if (ranges.empty() || array.elements() == 0) return bytes;
  int64_t covered = 0;
  for (const StepRange& range : ranges) covered += range.end - range.begin;
  return bytes / array.elements() * covered;  // the same number of bytes for each element
}

}  // namespace

template <class Run>
void Kernels::observed(const KernelCost& cost, const Run& run) {
  if (observer_ == nullptr || is_inside_) {
    if (!is_dry_run()) run();
    return;
  }
  is_inside_ = true;
  try {
    observer_->kernel(cost, [&] {
      if (!is_dry_run()) run();
    });
  } catch (...) {
    is_inside_ = false;
    throw;
  }
  is_inside_ = false;
}

void Kernels::round_once(ConstView values, DType dtype) {
  observed({"round_once", Work::copies}, [&] { do_round_once(values, dtype); });
}

void Kernels::fill(View out, double value) {
  observed({"fill", Work::copies, moved({}, {out})}, [&] { do_fill(out, value); });
}

void Kernels::copy(const ConstStridedView& in, const StridedView& out, bool accumulate) {
  observed({"copy", Work::copies, moved({in, accumulate ? out : StridedView{}}, {out})},
           [&] { do_copy(in, out, accumulate); });
}

void Kernels::gather_rows(ConstView table, ConstView indices, View out) {
  observed(
      {"gather_rows", Work::copies, moved({indices}, {out}) + std::min(out.bytes(), table.bytes())},
      [&] { do_gather_rows(table, indices, out); });
}

void Kernels::scatter_add_rows(ConstView rows, ConstView indices, View table) {
  observed({"scatter_add_rows", Work::copies,
            moved({rows, indices}, {}) + 2 * std::min(rows.bytes(), table.bytes())},
           [&] { do_scatter_add_rows(rows, indices, table); });
}

void Kernels::unary(Unary op, ConstView x, View y) {
  observed({"unary", Work::element_wise, moved({x}, {y})}, [&] { do_unary(op, x, y); });
}

void Kernels::unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y, View grad_x) {
  observed({"unary_backward", Work::element_wise, moved({x ? x : y, grad_y}, {grad_x})},
           [&] { do_unary_backward(op, x, y, grad_y, grad_x); });
}

void Kernels::binary(Binary op, ConstView a, ConstView b, View out) {
  observed({"binary", Work::element_wise, moved({a, b}, {out})}, [&] { do_binary(op, a, b, out); });
}

void Kernels::binary_scalar(Binary op, ConstView a, double b, View out) {
  observed({"binary_scalar", Work::element_wise, moved({a}, {out})},
           [&] { do_binary_scalar(op, a, b, out); });
}

void Kernels::scalar_binary(Binary op, double a, ConstView b, View out) {
  observed({"scalar_binary", Work::element_wise, moved({b}, {out})},
           [&] { do_scalar_binary(op, a, b, out); });
}

void Kernels::compare(Compare op, ConstView a, ConstView b, View out) {
  observed({"compare", Work::element_wise, moved({a, b}, {out})},
           [&] { do_compare(op, a, b, out); });
}

void Kernels::axpby(double alpha, ConstView x, double beta, View y) {
  observed({"axpby", Work::element_wise, moved({x, beta != 0 ? y : View{}}, {y})},
           [&] { do_axpby(alpha, x, beta, y); });
}

void Kernels::dropout(const DropoutParams& params, ConstView x, View y) {
  observed({"dropout", Work::element_wise, moved({x}, {y})}, [&] { do_dropout(params, x, y); });
}

void Kernels::prepare_images(const ImageParams& params, const ImageOperands& in, View y) {
  observed({"prepare_images", Work::element_wise}, [&] { do_prepare_images(params, in, y); });
}

void Kernels::reduce(Reduction op, ConstView x, View y) {
  observed({"reduce", Work::copies, moved({x}, {y})}, [&] { do_reduce(op, x, y); });
}

void Kernels::argmax(ConstView x, int axis, View indices) {
  observed({"argmax", Work::copies, moved({x}, {indices})}, [&] { do_argmax(x, axis, indices); });
}

void Kernels::cumsum(ConstView x, int axis, bool reverse, View y) {
  observed({"cumsum", Work::copies, moved({x}, {y})}, [&] { do_cumsum(x, axis, reverse, y); });
}

void Kernels::matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                     View out) {
  observed({"matmul", Work::matmul, moved({a, b, bias}, {out}), product(params, a, out),
            multiplied(a, b)},
           [&] { do_matmul(params, a, b, bias, out); });
}

void Kernels::conv2d(const Conv2dParams& params, const ConvOperands& in, View y) {
  observed({"conv2d", Work::convolution, moved({in.x, in.weight, in.bias}, {y}),
            convolution(y, in.weight), y.dtype},
           [&] { do_conv2d(params, in, y); });
}

void Kernels::conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                                    View grad_x, bool accumulate) {
  observed({"conv2d_backward_input", Work::convolution,
            moved({grad_y, weight, accumulate ? grad_x : View{}}, {grad_x}),
            convolution(grad_y, weight), grad_y.dtype},
           [&] { do_conv2d_backward_input(params, grad_y, weight, grad_x, accumulate); });
}

void Kernels::conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                                     View grad_weight, View grad_bias) {
  observed(
      {"conv2d_backward_weight", Work::convolution, moved({x, grad_y}, {grad_weight, grad_bias}),
       convolution(grad_y, grad_weight), grad_y.dtype},
      [&] { do_conv2d_backward_weight(params, x, grad_y, grad_weight, grad_bias); });
}

void Kernels::pool2d(const Pool2dParams& params, ConstView x, View y, View winners) {
  observed({"pool2d", Work::pooling, moved({x}, {y, winners})},
           [&] { do_pool2d(params, x, y, winners); });
}

void Kernels::pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                              View grad_x) {
  observed({"pool2d_backward", Work::pooling, moved({grad_y, winners}, {grad_x})},
           [&] { do_pool2d_backward(params, grad_y, winners, grad_x); });
}

void Kernels::conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                          const ConvKept& kept, View y) {
  observed({"conv2d_pool", Work::convolution,
            moved({in.x, in.weight, in.bias}, {kept.conv, kept.winners, y}),
            convolution(kept.conv, in.weight), y.dtype},
           [&] { do_conv2d_pool(params, in, kept, y); });
}

void Kernels::conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                   const ConvKept& kept, ConstView grad_y,
                                   const ConvGradients& gradients) {
  observed({"conv2d_pool_backward", Work::convolution,
            moved({in.x, in.weight, kept.conv, kept.winners, grad_y},
                  {gradients.x, gradients.weight, gradients.bias}),
            (gradients.x ? 2 : 1) * convolution(kept.conv, in.weight), grad_y.dtype},
           [&] { do_conv2d_pool_backward(params, in, kept, grad_y, gradients); });
}

void Kernels::activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                        ConstView winners, View grad_x) {
  observed({"activated_pool2d_backward", Work::pooling, moved({y, grad_y, winners}, {grad_x})},
           [&] { do_activated_pool2d_backward(params, y, grad_y, winners, grad_x); });
}

void Kernels::batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                                    const NormRunning& running) {
  observed({"batch_norm_statistics", Work::normalisation,
            moved({x, running.mean, running.variance},
                  {of_batch.mean, of_batch.variance, running.mean, running.variance})},
           [&] { do_batch_norm_statistics(x, of_batch, running); });
}

void Kernels::batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                               const NormStatistics& given, View y, View mask) {
  observed({"batch_norm_apply", Work::normalisation,
            moved({in.x, in.gamma, in.beta, in.residual, given.mean, given.variance}, {y, mask})},
           [&] { do_batch_norm_apply(params, in, given, y, mask); });
}

void Kernels::batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                       const NormStatistics& of_batch, const NormOutput& out,
                                       const NormGradients& gradients) {
  observed({"batch_norm_gradient_sums", Work::normalisation,
            moved({in.x, of_batch.mean, of_batch.variance, result_read(out, gradients), out.grad_y},
                  {gradients.gamma, gradients.beta, gradients.before})},
           [&] { do_batch_norm_gradient_sums(params, in, of_batch, out, gradients); });
}

void Kernels::batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                        const NormStatistics& of_batch, const NormOutput& out,
                                        const NormGradients& gradients) {
  observed({"batch_norm_gradient_input", Work::normalisation,
            moved({in.x, in.gamma, of_batch.mean, of_batch.variance,
                   gradients.before ? ConstView(gradients.before) : out.grad_y, gradients.gamma,
                   gradients.beta},
                  {gradients.x})},
           [&] { do_batch_norm_gradient_input(params, in, of_batch, out, gradients); });
}

void Kernels::layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                         const NormStatistics& of_rows) {
  observed({"layer_norm", Work::normalisation,
            moved({in.x, in.gamma, in.beta, in.residual}, {y, of_rows.mean, of_rows.variance})},
           [&] { do_layer_norm(params, in, y, of_rows); });
}

void Kernels::layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                                  const NormStatistics& of_rows, ConstView grad_y,
                                  const NormGradients& gradients) {
  observed({"layer_norm_backward", Work::normalisation,
            moved({in.x, in.gamma, of_rows.mean, of_rows.variance, grad_y},
                  {gradients.x, gradients.gamma, gradients.beta})},
           [&] { do_layer_norm_backward(params, in, of_rows, grad_y, gradients); });
}

void Kernels::masked_softmax(ConstView x, ConstView lengths, View y) {
  observed({"masked_softmax", Work::attention, moved({x, lengths}, {y})},
           [&] { do_masked_softmax(x, lengths, y); });
}

void Kernels::masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                      View grad_x) {
  observed({"masked_softmax_backward", Work::attention, moved({y, lengths, grad_y}, {grad_x})},
           [&] { do_masked_softmax_backward(y, lengths, grad_y, grad_x); });
}

void Kernels::attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                        View y) {
  observed(
      {"attention", Work::attention, moved({in.queries, in.keys, in.values, in.lengths}, {kept, y}),
       attention_products(in), y.dtype},
      [&] { do_attention(params, in, kept, y); });
}

void Kernels::attention_backward(const AttentionParams& params, const AttentionOperands& in,
                                 ConstView kept, ConstView grad_y,
                                 const AttentionGradients& gradients) {
  observed({"attention_backward", Work::attention,
            moved({in.queries, in.keys, in.values, in.lengths, kept, grad_y},
                  {gradients.queries, gradients.keys, gradients.values}),
            2 * attention_products(in), grad_y.dtype},
           [&] { do_attention_backward(params, in, kept, grad_y, gradients); });
}

void Kernels::softmax(ConstView x, View y) {
  observed({"softmax", Work::element_wise, moved({x}, {y})},
           [&] { do_softmax(SoftmaxForm::plain, x, y); });
}

void Kernels::softmax_backward(ConstView y, ConstView grad_y, View grad_x) {
  observed({"softmax_backward", Work::element_wise, moved({y, grad_y}, {grad_x})},
           [&] { do_softmax_backward(SoftmaxForm::plain, y, grad_y, grad_x); });
}

void Kernels::log_softmax(ConstView x, View y) {
  observed({"log_softmax", Work::element_wise, moved({x}, {y})},
           [&] { do_softmax(SoftmaxForm::logarithm, x, y); });
}

void Kernels::log_softmax_backward(ConstView y, ConstView grad_y, View grad_x) {
  observed({"log_softmax_backward", Work::element_wise, moved({y, grad_y}, {grad_x})},
           [&] { do_softmax_backward(SoftmaxForm::logarithm, y, grad_y, grad_x); });
}

void Kernels::cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                            View correct) {
  observed({"cross_entropy", Work::loss, moved({logits, labels}, {losses, probabilities, correct})},
           [&] { do_cross_entropy(logits, labels, losses, probabilities, correct); });
}

void Kernels::cross_entropy_backward(ConstView probabilities, ConstView labels,
                                     ConstView grad_losses, View grad_logits) {
  observed({"cross_entropy_backward", Work::loss,
            moved({probabilities, labels, grad_losses}, {grad_logits})},
           [&] { do_cross_entropy_backward(probabilities, labels, grad_losses, grad_logits); });
}

void Kernels::sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity) {
  observed(
      {"sgd_step", Work::optimizer,
       covered_bytes(params.ranges, moved({gradient, value, velocity}, {value, velocity}), value)},
      [&] { do_sgd_step(params, gradient, value, velocity); });
}

void Kernels::adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                        View square) {
  observed({"adam_step", Work::optimizer,
            covered_bytes(params.ranges,
                          moved({gradient, value, mean, square}, {value, mean, square}), value)},
           [&] { do_adam_step(params, gradient, value, mean, square); });
}

void Kernels::lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                             View square) {
  observed({"lamb_direction", Work::optimizer,
            moved({gradient, value, mean, square}, {gradient, mean, square})},
           [&] { do_lamb_direction(params, gradient, value, mean, square); });
}

void Kernels::norms(StepRanges ranges, ConstView x, View norms) {
  observed({"norms", Work::optimizer, covered_bytes(ranges, moved({x}, {}), x) + norms.bytes()},
           [&] { do_norms(ranges, x, norms); });
}

void Kernels::NormRunning::follow(Kernels& on, const NormStatistics& of_batch, int64_t rows) const {
  const auto count = static_cast<double>(rows);
  on.axpby(momentum, of_batch.mean, 1 - momentum, mean);
  on.axpby(momentum * (rows > 1 ? count / (count - 1) : 1), of_batch.variance, 1 - momentum,
           variance);
}

}  // namespace d2l
