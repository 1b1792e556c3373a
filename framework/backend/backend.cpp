#include "framework/backend/backend.h"

#include <cmath>

#include "framework/backend/scratch.h"

namespace d2l {
namespace {

View part(const View& view, const StepRange& range) {
  return {view.as<float>() + range.begin, view.dtype, {range.end - range.begin}};
}
ConstView part(const ConstView& view, const StepRange& range) {
  return {view.as<float>() + range.begin, view.dtype, {range.end - range.begin}};
}

}  // namespace

std::string ComputeDevice::describe_products(DType) const { return {}; }

void Backend::do_round_once(ConstView, DType) {}

std::unique_ptr<ComputeDevice::Recording> ComputeDevice::record(const std::function<void()>&) {
  return nullptr;
}

int64_t Backend::batch_norm_mask_bytes(const BatchNormParams&, const NormOperands&) const {
  return 0;
}

void Backend::do_conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                             const ConvKept& kept, View y) {
  conv2d(params.conv, in, kept.conv);
  pool2d(params.pool, kept.conv, y, kept.winners);
}

void Backend::do_conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                      const ConvKept& kept, ConstView grad_y,
                                      const ConvGradients& gradients) {
  Scratch<char> memory(pool(), kept.conv.bytes());
  const View grad{memory.data(), kept.conv.dtype, kept.conv.shape};
  activated_pool2d_backward(params, kept.conv, grad_y, kept.winners, grad);
  conv2d_backward_weight(params.conv, in.x, grad, gradients.weight, gradients.bias);
  if (gradients.x) conv2d_backward_input(params.conv, grad, in.weight, gradients.x, false);
}

void Backend::do_activated_pool2d_backward(const ConvPoolParams& params, ConstView y,
                                           ConstView grad_y, ConstView winners, View grad_x) {
  pool2d_backward(params.pool, grad_y, winners, grad_x);
  if (params.conv.activation != Activation::none)
    unary_backward(unary_of(params.conv.activation), {}, y, grad_x, grad_x);
}

void Backend::do_lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                                View square) {
  const auto step = static_cast<double>(params.step);
  const StepRange all{0, gradient.elements()};
  for (const StepRange& range : params.ranges.empty() ? StepRanges(&all, 1) : params.ranges) {
    View g = part(gradient, range), m = part(mean, range), s = part(square, range);
    axpby(1 - params.beta1, g, params.beta1, m);
    unary(Unary::square, g, g);
    axpby(1 - params.beta2, g, params.beta2, s);
    binary_scalar(Binary::div, s, 1 - std::pow(params.beta2, step), g);
    unary(Unary::sqrt, g, g);
    binary_scalar(Binary::add, g, params.epsilon, g);
    binary(Binary::div, m, g, g);
    axpby(params.weight_decay * range.weight_decay, part(value, range),
          1 / (1 - std::pow(params.beta1, step)), g);
  }
}

void Backend::do_norms(StepRanges ranges, ConstView x, View norms) {
  Scratch<float> memory(pool(), x.elements());
  for (size_t i = 0; i < ranges.size(); ++i) {
    View squares{memory.data(), DType::f32, {ranges[i].end - ranges[i].begin}};
    unary(Unary::square, part(x, ranges[i]), squares);
    reduce(Reduction::sum, squares, {norms.as<float>() + i, DType::f32, {1}});
  }
  unary(Unary::sqrt, norms, norms);
}

}  // namespace d2l
