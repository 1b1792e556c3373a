#pragma once

#include <cstdint>

#include "framework/backend/kernels/observed_kernels.h"
#include "framework/backend/params.h"
#include "framework/backend/traffic.h"

namespace d2l {

// Convolutions and pooling. See Kernels.
class ConvolutionKernels : public virtual ObservedKernels {
 public:
  // --- convolution: x [n, h, w, c], weight [o, kh, kw, c], bias [o] or {}, y [n, oh, ow, o]; x and
  // y are activations ---
  struct ConvOperands {
    ConstView x, weight, bias;  // bias may be {}
  };
  void conv2d(const Conv2dParams& params, const ConvOperands& in, View y) {
    observed({"conv2d", Work::convolution, moved({in.x, in.weight, in.bias}, {y}),
              convolution(y, in.weight), y.dtype},
             [&] { do_conv2d(params, in, y); });
  }
  // Both backward kernels ignore params.activation: grad_y is the gradient before the activation.
  // `accumulate` adds to grad_x instead of overwriting it.
  void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                             View grad_x, bool accumulate) {
    observed({"conv2d_backward_input", Work::convolution,
              moved({grad_y, weight, accumulate ? grad_x : View{}}, {grad_x}),
              convolution(grad_y, weight), grad_y.dtype},
             [&] { do_conv2d_backward_input(params, grad_y, weight, grad_x, accumulate); });
  }
  // grad_bias may be {}.
  void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                              View grad_weight, View grad_bias) {
    observed(
        {"conv2d_backward_weight", Work::convolution, moved({x, grad_y}, {grad_weight, grad_bias}),
         convolution(grad_y, grad_weight), grad_y.dtype},
        [&] { do_conv2d_backward_weight(params, x, grad_y, grad_weight, grad_bias); });
  }

  // --- pooling of activations: x [n, h, w, c], y [n, oh, ow, c]; max: windows of at most 255
  // elements ---
  // winners (u8, y.shape) receives the position of the maximum inside its window, row by row; only
  // max uses it, and it may be {}. The first of equal values wins.
  void pool2d(const Pool2dParams& params, ConstView x, View y, View winners) {
    observed({"pool2d", Work::pooling, moved({x}, {y, winners})},
             [&] { do_pool2d(params, x, y, winners); });
  }
  void pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                       View grad_x) {
    observed({"pool2d_backward", Work::pooling, moved({grad_y, winners}, {grad_x})},
             [&] { do_pool2d_backward(params, grad_y, winners, grad_x); });
  }

  // --- conv2d, then pool2d of its result, fused; the default implementation defines the result ---
  // What the gradient needs, in a layout that the backend defines: an array of the size of conv2d's
  // result and, for max, the winners.
  struct ConvKept {
    View conv, winners;
  };
  void conv2d_pool(const ConvPoolParams& params, const ConvOperands& in, const ConvKept& kept,
                   View y) {
    observed({"conv2d_pool", Work::convolution,
              moved({in.x, in.weight, in.bias}, {kept.conv, kept.winners, y}),
              convolution(kept.conv, in.weight), y.dtype},
             [&] { do_conv2d_pool(params, in, kept, y); });
  }
  struct ConvGradients {
    View x, weight, bias;  // x and bias may be {}
  };
  void conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                            const ConvKept& kept, ConstView grad_y,
                            const ConvGradients& gradients) {
    observed({"conv2d_pool_backward", Work::convolution,
              moved({in.x, in.weight, kept.conv, kept.winners, grad_y},
                    {gradients.x, gradients.weight, gradients.bias}),
              (gradients.x ? 2 : 1) * convolution(kept.conv, in.weight), grad_y.dtype},
             [&] { do_conv2d_pool_backward(params, in, kept, grad_y, gradients); });
  }
  // grad_x = the gradient before the activation. y is the activation's result, the pooling's input.
  void activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                 ConstView winners, View grad_x) {
    observed({"activated_pool2d_backward", Work::pooling, moved({y, grad_y, winners}, {grad_x})},
             [&] { do_activated_pool2d_backward(params, y, grad_y, winners, grad_x); });
  }

 private:
  virtual void do_conv2d(const Conv2dParams& params, const ConvOperands& in, View y) = 0;
  virtual void do_conv2d_backward_input(const Conv2dParams& params, ConstView grad_y,
                                        ConstView weight, View grad_x, bool accumulate) = 0;
  virtual void do_conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                                         View grad_weight, View grad_bias) = 0;
  virtual void do_pool2d(const Pool2dParams& params, ConstView x, View y, View winners) = 0;
  virtual void do_pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                                  View grad_x) = 0;
  virtual void do_conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                              const ConvKept& kept, View y) = 0;
  virtual void do_conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                       const ConvKept& kept, ConstView grad_y,
                                       const ConvGradients& gradients) = 0;
  virtual void do_activated_pool2d_backward(const ConvPoolParams& params, ConstView y,
                                            ConstView grad_y, ConstView winners, View grad_x) = 0;

  // y [n, oh, ow, o], weight [o, kh, kw, c]
  static int64_t convolution(const ConstView& y, const ConstView& weight) {
    return y.elements() * weight.shape.elements(1, weight.shape.rank());
  }
};

}  // namespace d2l
