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
  pool2d_backward(params.pool, grad_y, winners, grad);
  if (params.conv.activation != Activation::none)
    unary_backward(unary_of(params.conv.activation), {}, kept, grad, grad);
  conv2d_backward_weight(params.conv, x, grad, gradients.weight, gradients.bias);
  if (gradients.x) conv2d_backward_input(params.conv, grad, weight, gradients.x);
}

}  // namespace d2l
