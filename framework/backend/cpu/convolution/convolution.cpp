#include "framework/backend/cpu/convolution/choice.h"
#include "framework/backend/cpu/cpu_backend.h"

// What the backend does around the choice of a kernel.

namespace d2l::cpu {

void CpuBackend::do_conv2d(const Conv2dParams& params, const ConvOperands& in, View y) {
  if (y.elements() == 0) return;
  run_convolution({*this, dnnl_.state()}, {params, in.x, in.weight.shape, y.shape},
                  ForwardOperands{in.x, in.weight, in.bias, y});
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
  run_convolution({*this, dnnl_.state()}, {params, grad_x, weight.shape, grad_y.shape},
                  InputGradientOperands{grad_y, weight, grad_x});
}

void CpuBackend::do_conv2d_backward_weight(const Conv2dParams& params, ConstView x,
                                           ConstView grad_y, View grad_weight, View grad_bias) {
  if (grad_y.elements() == 0) {
    fill(grad_weight, 0);
    if (grad_bias) fill(grad_bias, 0);
    return;
  }
  run_convolution({*this, dnnl_.state()}, {params, x, grad_weight.shape, grad_y.shape},
                  WeightGradientOperands{x, grad_y, grad_weight, grad_bias});
}

void CpuBackend::do_conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                                const ConvKept& kept, View y) {
  const ConvolutionShape shape(params.conv, in.x, in.weight.shape, kept.conv.shape);
  const PooledConvolutionKernel* kernel = pooled_convolution_kernel(shape, params);
  if (kernel == nullptr) return Backend::do_conv2d_pool(params, in, kept, y);
  kernel->forward({*this, dnnl_.state()}, shape, in, kept, y);
}

void CpuBackend::do_conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                         const ConvKept& kept, ConstView grad_y,
                                         const ConvGradients& gradients) {
  const ConvolutionShape shape(params.conv, in.x, in.weight.shape, kept.conv.shape);
  const PooledConvolutionKernel* kernel = pooled_convolution_kernel(shape, params);
  if (kernel == nullptr)
    return Backend::do_conv2d_pool_backward(params, in, kept, grad_y, gradients);
  kernel->backward({*this, dnnl_.state()}, shape, kept,
                   {in.x, grad_y, gradients.weight, gradients.bias});
}

}  // namespace d2l::cpu
