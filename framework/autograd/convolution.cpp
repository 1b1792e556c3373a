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

// Checks the operands and returns the shape of conv2d's result.
Shape conv2d_shape(const Variable& x, const Variable& weight, const Variable& bias,
                   const Conv2dParams& params) {
  const Shape& in = x.shape();
  const Shape& w = weight.shape();
  check(in.rank() == 4 && w.rank() == 4,
        "conv2d: expected input [n, h, w, c] and weight [o, kh, kw, c], found ", in, " and ", w);
  check(in[3] == w[3], "conv2d: weight expects ", w[3], " input channels, input ", in, " has ",
        in[3]);
  check(!bias.defined() || bias.shape() == Shape{w[0]}, "conv2d: bias expects shape [", w[0],
        "], found ", bias.defined() ? bias.shape() : Shape{});
  return {in[0], windows("conv2d", in[1], w[1], params.stride.height, params.padding.height),
          windows("conv2d", in[2], w[2], params.stride.width, params.padding.width), w[0]};
}

Backend::ConvOperands operands(const Variable& x, const Variable& weight, const Variable& bias) {
  return {x.value().view(), weight.value().view(),
          bias.defined() ? bias.value().view() : ConstView{}};
}

int64_t pool_windows(int64_t size, int64_t window, int64_t stride, int64_t padding, bool ceil) {
  int64_t count = windows("pool2d", ceil ? size + stride - 1 : size, window, stride, padding);
  bool begins_inside = (count - 1) * stride < size + padding;
  return ceil && !begins_inside ? count - 1 : count;
}

Shape pool2d_shape(const Shape& in, const Pool2dParams& params) {
  check(in.rank() == 4, "pool2d: expected input [n, h, w, c], found ", in);
  check(params.kind == Pooling::average || params.window.height * params.window.width <= 255,
        "pool2d: a max window has at most 255 elements, found ", params.window.height, " x ",
        params.window.width);
  check(params.padding.height * 2 <= params.window.height &&
            params.padding.width * 2 <= params.window.width,
        "pool2d: padding must be at most half the window");
  check(params.kind == Pooling::max || !params.ceil,
        "pool2d: rounding up the number of windows is for max pooling only");
  return {in[0],
          pool_windows(in[1], params.window.height, params.stride.height, params.padding.height,
                       params.ceil),
          pool_windows(in[2], params.window.width, params.stride.width, params.padding.width,
                       params.ceil),
          in[3]};
}

}  // namespace

Variable conv2d(const Variable& x, const Variable& weight, const Variable& bias,
                const Conv2dParams& params) {
  Tensor y(x.backend(), conv2d_shape(x, weight, bias, params), x.value().dtype());
  y.backend().conv2d(params, operands(x, weight, bias), y.view());
  return Variable::result(y, {x, weight, bias}, [x, weight, bias, params, y](const Tensor& grad_y) {
    Tensor grad = gradient_before(params.activation, y, grad_y);
    Backend& backend = grad.backend();
    if (weight.requires_grad()) {
      Tensor grad_bias;
      if (bias.requires_grad()) grad_bias = bias.contribution_memory();
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
    x.contribute([&](Tensor& out, bool accumulate) {
      backend.conv2d_backward_input(params, grad.view(), weight.value().view(), out.view(),
                                    accumulate);
    });
  });
}

Variable conv2d_pool(const Variable& x, const Variable& weight, const Variable& bias,
                     const Conv2dParams& conv, const Pool2dParams& pool) {
  bool frozen = !weight.requires_grad() || (bias.defined() && !bias.requires_grad());
  if (frozen) return pool2d(conv2d(x, weight, bias, conv), pool);
  ConvPoolParams params{conv, pool, x.requires_grad()};
  const DType dtype = x.value().dtype();
  Tensor kept(x.backend(), conv2d_shape(x, weight, bias, conv), dtype);
  Tensor y(x.backend(), pool2d_shape(kept.shape(), pool), dtype), winners;
  if (pool.kind == Pooling::max) winners = Tensor(x.backend(), y.shape(), DType::u8);
  const Backend::ConvKept views{kept.view(), winners.defined() ? winners.view() : View{}};
  y.backend().conv2d_pool(params, operands(x, weight, bias), views, y.view());
  return Variable::result(
      y, {x, weight, bias}, [x, weight, bias, params, kept, winners, views](const Tensor& grad) {
        Backend& backend = grad.backend();
        Tensor grad_x, grad_bias;
        if (params.input_gradient) grad_x = Tensor(backend, x.shape(), grad.dtype());
        if (bias.defined()) grad_bias = bias.contribution_memory();
        weight.contribute([&](Tensor& out) {
          backend.conv2d_pool_backward(params, operands(x, weight, bias), views, grad.view(),
                                       {grad_x.defined() ? grad_x.view() : View{}, out.view(),
                                        grad_bias.defined() ? grad_bias.view() : View{}});
        });
        if (grad_bias.defined()) bias.contribute(grad_bias);
        if (grad_x.defined()) x.contribute(grad_x);
      });
}

Variable pool2d(const Variable& x, const Pool2dParams& params) {
  Tensor y(x.backend(), pool2d_shape(x.shape(), params), x.value().dtype());
  Tensor winners;
  if (params.kind == Pooling::max && x.requires_grad())
    winners = Tensor(x.backend(), y.shape(), DType::u8);
  y.backend().pool2d(params, x.value().view(), y.view(),
                     winners.defined() ? winners.view() : View{});
  return Variable::result(y, {x}, [x, params, winners](const Tensor& grad) {
    x.contribute([&](Tensor& out) {
      out.backend().pool2d_backward(params, grad.view(), view_or_none(winners), out.view());
    });
  });
}

}  // namespace d2l
