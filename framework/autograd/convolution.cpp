#include "framework/autograd/convolution.h"

#include "framework/autograd/activation_gradient.h"

namespace d2l {
namespace {

int64_t windows(const char* name, int64_t size, int64_t window, int64_t stride, int64_t padding) {
  check(stride >= 1 && padding >= 0 && window >= 1, name,
        ": window and stride must be at least 1 and padding at least 0, found window ", window,
        ", stride ", stride, ", padding ", padding);
  check(size + 2 * padding >= window, name, ": a window of ", window, " does not fit into ", size,
        " with padding ", padding);
  return (size + 2 * padding - window) / stride + 1;
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias,
                const Conv2dParams& params) {
  const Shape& in = x.shape();
  const Shape& w = weight.shape();
  check(in.rank() == 4 && w.rank() == 4,
        "conv2d: expected input [n, h, w, c] and weight [o, kh, kw, c], found ", in, " and ", w);
  check(in[3] == w[3], "conv2d: weight expects ", w[3], " input channels, input ", in, " has ",
        in[3]);
  check(!bias.defined() || bias.shape() == Shape{w[0]}, "conv2d: bias expects shape [", w[0],
        "], found ", bias.defined() ? bias.shape() : Shape{});
  Tensor y(x.backend(),
           Shape{in[0], windows("conv2d", in[1], w[1], params.stride.height, params.padding.height),
                 windows("conv2d", in[2], w[2], params.stride.width, params.padding.width), w[0]});
  y.backend().conv2d(params, x.value().view(), weight.value().view(),
                     view_or_none(bias.defined() ? bias.value() : Tensor()), y.view());
  return Variable::result(y, {x, weight, bias}, [x, weight, bias, params, y](const Tensor& grad_y) {
    Tensor grad = gradient_before(params.activation, y, grad_y);
    Backend& backend = grad.backend();
    if (weight.requires_grad()) {
      Tensor grad_bias;
      if (bias.requires_grad()) grad_bias = Tensor(backend, bias.shape());
      weight.contribute([&](Tensor& out) {
        backend.conv2d_backward_weight(params, x.value().view(), grad.view(), out.view(),
                                       grad_bias.defined() ? grad_bias.view() : View{});
      });
      if (grad_bias.defined()) bias.contribute(grad_bias);
    } else if (bias.requires_grad()) {
      bias.contribute([&](Tensor& out) {
        View row = out.view();
        row.shape = Shape{1, 1, 1, out.elements()};
        backend.reduce(Reduction::sum, grad.view(), row);
      });
    }
    x.contribute([&](Tensor& out) {
      backend.conv2d_backward_input(params, grad.view(), weight.value().view(), out.view());
    });
  });
}

Variable pool2d(const Variable& x, const Pool2dParams& params) {
  const Shape& in = x.shape();
  check(in.rank() == 4, "pool2d: expected input [n, h, w, c], found ", in);
  bool max = params.kind == Pooling::max;
  check(!max || params.window.height * params.window.width <= 255,
        "pool2d: a max window has at most 255 elements, found ", params.window.height, " x ",
        params.window.width);
  check(params.padding.height * 2 <= params.window.height &&
            params.padding.width * 2 <= params.window.width,
        "pool2d: padding must be at most half the window");
  Shape out_shape{
      in[0],
      windows("pool2d", in[1], params.window.height, params.stride.height, params.padding.height),
      windows("pool2d", in[2], params.window.width, params.stride.width, params.padding.width),
      in[3]};
  Tensor y(x.backend(), out_shape);
  Tensor winners;
  if (max && x.requires_grad()) winners = Tensor(x.backend(), out_shape, DType::u8);
  y.backend().pool2d(params, x.value().view(), y.view(),
                     winners.defined() ? winners.view() : View{});
  return Variable::result(y, {x}, [x, params, winners](const Tensor& grad) {
    x.contribute([&](Tensor& out) {
      out.backend().pool2d_backward(params, grad.view(), view_or_none(winners), out.view());
    });
  });
}

}  // namespace d2l
