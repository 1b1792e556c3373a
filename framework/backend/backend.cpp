#include "framework/backend/backend.h"

#include "framework/backend/scratch.h"

namespace d2l {

void Backend::conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                          const ConvKept& kept, View y) {
  conv2d(params.conv, in, kept.conv);
  pool2d(params.pool, kept.conv, y, kept.winners);
}

void Backend::conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                   const ConvKept& kept, ConstView grad_y,
                                   const ConvGradients& gradients) {
  Scratch<char> memory(pool(), kept.conv.bytes());
  const View grad{memory.data(), kept.conv.dtype, kept.conv.shape};
  activated_pool2d_backward(params, kept.conv, grad_y, kept.winners, grad);
  conv2d_backward_weight(params.conv, in.x, grad, gradients.weight, gradients.bias);
  if (gradients.x) conv2d_backward_input(params.conv, grad, in.weight, gradients.x);
}

void Backend::activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                        ConstView winners, View grad_x) {
  pool2d_backward(params.pool, grad_y, winners, grad_x);
  if (params.conv.activation != Activation::none)
    unary_backward(unary_of(params.conv.activation), {}, y, grad_x, grad_x);
}

}  // namespace d2l
