#include "framework/backend/cpu/convolution/choice.h"
#include "framework/backend/cpu/cpu_backend.h"

// The backend's convolution functions; choice.h selects the kernels.

namespace d2l::cpu {
namespace {

void report(KernelObserver* observer, ConvolutionPass pass, const ConvolutionShape& shape) {
  if (observer != nullptr) observer->convolution(pass, convolution_kernel(pass, shape));
}

}  // namespace

void CpuBackend::do_conv2d(const Conv2dParams& params, const ConvOperands& in, View y) {
  if (y.elements() == 0) return;
  const ConvolutionShape shape(params, in.x, in.weight.shape, y.shape);
  report(observer(), ConvolutionPass::forward, shape);
  run_convolution({*this, dnnl_.state()}, shape, ForwardOperands{in.x, in.weight, in.bias, y});
}

void CpuBackend::do_conv2d_backward_input(const Conv2dParams& params, ConstView grad_y,
                                          ConstView weight, View grad_x, bool accumulate) {
  if (grad_x.elements() == 0) return;
  if (accumulate) {
    const Scratch<char> memory(pool_, grad_x.bytes());
    const View more{memory.data(), grad_x.dtype, grad_x.shape};
    conv2d_backward_input(params, grad_y, weight, more, false);
    return binary(Binary::add, grad_x, more, grad_x);
  }
  const ConvolutionShape shape(params, grad_x, weight.shape, grad_y.shape);
  report(observer(), ConvolutionPass::backward_input, shape);
  run_convolution({*this, dnnl_.state()}, shape, InputGradientOperands{grad_y, weight, grad_x});
}

void CpuBackend::do_conv2d_backward_weight(const Conv2dParams& params, ConstView x,
                                           ConstView grad_y, View grad_weight, View grad_bias) {
  if (grad_y.elements() == 0) {
    fill(grad_weight, 0);
    if (grad_bias) fill(grad_bias, 0);
    return;
  }
  const ConvolutionShape shape(params, x, grad_weight.shape, grad_y.shape);
  report(observer(), ConvolutionPass::backward_weight, shape);
  run_convolution({*this, dnnl_.state()}, shape,
                  WeightGradientOperands{x, grad_y, grad_weight, grad_bias});
}

void CpuBackend::do_conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                                const ConvKept& kept, View y) {
  const ConvolutionShape shape(params.conv, in.x, in.weight.shape, kept.conv.shape);
  const PooledConvolutionKernel* kernel = pooled_convolution_kernel(shape, params);
  if (kernel == nullptr) return Backend::do_conv2d_pool(params, in, kept, y);
  if (observer() != nullptr) observer()->convolution(ConvolutionPass::forward, kernel->name);
  kernel->forward({*this, dnnl_.state()}, shape, in, kept, y);
}

void CpuBackend::do_conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                         const ConvKept& kept, ConstView grad_y,
                                         const ConvGradients& gradients) {
  const ConvolutionShape shape(params.conv, in.x, in.weight.shape, kept.conv.shape);
  const PooledConvolutionKernel* kernel = pooled_convolution_kernel(shape, params);
  if (kernel == nullptr)
    return Backend::do_conv2d_pool_backward(params, in, kept, grad_y, gradients);
  if (observer() != nullptr)
    observer()->convolution(ConvolutionPass::backward_weight, kernel->name);
  kernel->backward({*this, dnnl_.state()}, shape, kept,
                   {in.x, grad_y, gradients.weight, gradients.bias});
}

}  // namespace d2l::cpu
