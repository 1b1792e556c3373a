#include "framework/backend/backend.h"

#include "framework/backend/scratch.h"

namespace d2l {

void Backend::conv2d_pool(const ConvPoolParams& params, ConstView x, ConstView weight,
                          ConstView bias, View kept, View y, View winners) {
  conv2d(params.conv, x, weight, bias, kept);
  pool2d(params.pool, kept, y, winners);
}

void Backend::conv2d_pool_backward(const ConvPoolParams& params, ConstView x, ConstView weight,
                                   ConstView kept, ConstView winners, ConstView grad_y,
                                   const ConvGradients& gradients) {
  Scratch<float> memory(pool(), kept.elements());
  View grad{memory.data(), DType::f32, kept.shape};
  activated_pool2d_backward(params, kept, grad_y, winners, grad);
  conv2d_backward_weight(params.conv, x, grad, gradients.weight, gradients.bias);
  if (gradients.x) conv2d_backward_input(params.conv, grad, weight, gradients.x);
}

void Backend::activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                        ConstView winners, View grad_x) {
  pool2d_backward(params.pool, grad_y, winners, grad_x);
  if (params.conv.activation != Activation::none)
    unary_backward(unary_of(params.conv.activation), {}, y, grad_x, grad_x);
}

}  // namespace d2l
