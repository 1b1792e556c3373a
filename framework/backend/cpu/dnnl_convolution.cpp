#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/direct_convolution.h"
#include "framework/backend/cpu/dnnl_cache.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/pair_convolution.h"
#include "framework/backend/cpu/pointwise.h"
#include "framework/backend/cpu/widened.h"
#include "framework/backend/cpu/winograd.h"

namespace d2l::cpu {
namespace {

using dnnl_version::ConvolutionShape;
using dnnl_version::Dims;
using dnnl_version::Md;
using Tag = dnnl::memory::format_tag;

Md described(const Shape& s, DType dtype, Tag tag) {
  // oneDNN names the axes N, C, H, W and O, I, H, W, whatever the order in memory
  return {Dims{s[0], s[3], s[1], s[2]}, dnnl_type(dtype), tag};
}

struct Convolution {
  Shape x, weight, y;
  bool with_bias;
  DType dtype;  // of images; the caller's weights and biases are f32
};

// What the caller's memory looks like.
ConvolutionShape outside_of(const Conv2dParams& params, const Convolution& shape) {
  ConvolutionShape made;
  made.x = described(shape.x, shape.dtype, Tag::nhwc);
  made.weight = described(shape.weight, DType::f32, Tag::ohwi);
  made.y = described(shape.y, shape.dtype, Tag::nhwc);
  if (shape.with_bias) made.bias = Md({shape.weight[0]}, dnnl::memory::data_type::f32, Tag::x);
  made.stride = {params.stride.height, params.stride.width};
  made.padding = {params.padding.height, params.padding.width};
  return made;
}

// What the primitive may choose: the layout of the weights, which are small, and which it reads in
// the images' type. Their gradients are sums, which it writes as f32.
ConvolutionShape free_weight(ConvolutionShape shape, const Shape& weight, DType dtype) {
  shape.weight = described(weight, dtype, Tag::any);
  return shape;
}

PrimitiveKey key_of(DnnlOp op, const Conv2dParams& params, const Convolution& shape) {
  PrimitiveKey key(op);
  key.add(params.stride.height).add(params.stride.width);
  key.add(params.padding.height).add(params.padding.width);
  key.add(static_cast<int64_t>(params.activation)).add(shape.with_bias);
  key.add(shape.x).add(shape.weight).add(static_cast<int64_t>(shape.dtype));
  return key;
}

std::unique_ptr<CachedPrimitive> make_forward(const dnnl::engine& engine,
                                              const Conv2dParams& params,
                                              const Convolution& shape) {
  ConvolutionShape outside = outside_of(params, shape);
  auto description = dnnl_version::convolution_forward(
      engine, free_weight(outside, shape.weight, shape.dtype), attributes_with(params.activation));
  auto made = std::make_unique<CachedPrimitive>(engine, dnnl::convolution_forward(description),
                                                description.scratchpad_desc());
  made->input(DNNL_ARG_SRC, outside.x, outside.x);
  made->input(DNNL_ARG_WEIGHTS, outside.weight, description.weights_desc());
  made->output(DNNL_ARG_DST, outside.y, outside.y);
  if (shape.with_bias) made->input(DNNL_ARG_BIAS, outside.bias, outside.bias);
  return made;
}

std::unique_ptr<CachedPrimitive> make_backward_input(const dnnl::engine& engine,
                                                     const Conv2dParams& params,
                                                     const Convolution& shape) {
  ConvolutionShape outside = outside_of(params, shape);
  auto description = dnnl_version::convolution_backward_data(
      engine, free_weight(outside, shape.weight, shape.dtype), dnnl_version::attributes());
  auto made = std::make_unique<CachedPrimitive>(
      engine, dnnl::convolution_backward_data(description), description.scratchpad_desc());
  made->input(DNNL_ARG_DIFF_DST, outside.y, outside.y);
  made->input(DNNL_ARG_WEIGHTS, outside.weight, description.weights_desc());
  made->output(DNNL_ARG_DIFF_SRC, outside.x, outside.x);
  return made;
}

std::unique_ptr<CachedPrimitive> make_backward_weight(const dnnl::engine& engine,
                                                      const Conv2dParams& params,
                                                      const Convolution& shape) {
  ConvolutionShape outside = outside_of(params, shape);
  auto description = dnnl_version::convolution_backward_weights(
      engine, free_weight(outside, shape.weight, DType::f32), dnnl_version::attributes());
  auto made = std::make_unique<CachedPrimitive>(
      engine, dnnl::convolution_backward_weights(description), description.scratchpad_desc());
  made->input(DNNL_ARG_SRC, outside.x, outside.x);
  made->input(DNNL_ARG_DIFF_DST, outside.y, outside.y);
  made->output(DNNL_ARG_DIFF_WEIGHTS, outside.weight, description.diff_weights_desc());
  if (shape.with_bias) made->output(DNNL_ARG_DIFF_BIAS, outside.bias, outside.bias);
  return made;
}

// All three run what they find in, or add to, the cache of primitives.
void forward_by_dnnl(DnnlState& state, const Conv2dParams& params, const Backend::ConvOperands& in,
                     View y) {
  const auto& [x, weight, bias] = in;
  const Convolution shape{x.shape, weight.shape, y.shape, static_cast<bool>(bias), x.dtype};
  CachedPrimitive& primitive = state.find(key_of(DnnlOp::convolution, params, shape), [&] {
    return make_forward(state.engine, params, shape);
  });
  if (bias)
    primitive.run(state.stream, state.pool, {x.data, weight.data, y.data, bias.data});
  else
    primitive.run(state.stream, state.pool, {x.data, weight.data, y.data});
}

void backward_input_by_dnnl(DnnlState& state, Conv2dParams params, ConstView grad_y,
                            ConstView weight, View grad_x) {
  params.activation = Activation::none;
  const Convolution shape{grad_x.shape, weight.shape, grad_y.shape, false, grad_y.dtype};
  CachedPrimitive& primitive =
      state.find(key_of(DnnlOp::convolution_backward_input, params, shape),
                 [&] { return make_backward_input(state.engine, params, shape); });
  primitive.run(state.stream, state.pool, {grad_y.data, weight.data, grad_x.data});
}

struct Images {
  ConstView x, grad_y;
};

void backward_weight_by_dnnl(DnnlState& state, Conv2dParams params, const Images& in,
                             View grad_weight, View grad_bias) {
  params.activation = Activation::none;
  const Convolution shape{in.x.shape, grad_weight.shape, in.grad_y.shape,
                          static_cast<bool>(grad_bias), in.x.dtype};
  CachedPrimitive& primitive =
      state.find(key_of(DnnlOp::convolution_backward_weight, params, shape),
                 [&] { return make_backward_weight(state.engine, params, shape); });
  if (grad_bias)
    primitive.run(state.stream, state.pool,
                  {in.x.data, in.grad_y.data, grad_weight.data, grad_bias.data});
  else
    primitive.run(state.stream, state.pool, {in.x.data, in.grad_y.data, grad_weight.data});
}

// Whether some tap of the kernel only ever sees padding, along one axis.
bool some_tap_sees_nothing(int64_t size, int64_t kernel, int64_t stride, int64_t padding,
                           int64_t out) {
  for (int64_t tap = 0; tap < kernel; ++tap) {
    bool sees = false;
    for (int64_t o = 0; o < out && !sees; ++o) {
      const int64_t at = o * stride + tap - padding;
      sees = at >= 0 && at < size;
    }
    if (!sees) return true;
  }
  return false;
}

// Shapes whose weights' gradient in bf16 oneDNN 2.6.3 gets wrong.
bool wants_f32_gradient(const DirectConvolution& s) {
  const Conv2dParams& p = s.params;
  return (s.in % 16 != 0 || s.out % 16 != 0) &&
         (some_tap_sees_nothing(s.width, s.kernel_width, p.stride.width, p.padding.width,
                                s.out_width) ||
          some_tap_sees_nothing(s.height, s.kernel_height, p.stride.height, p.padding.height,
                                s.out_height));
}

// Whether a kernel that multiplies f32 alone is to do it.
bool becomes_f32(DType dtype) {
  return dtype == DType::bf16 && bf16_products() == Bf16Products::f32;
}

// Of a slice, so that putting weights in order for each slice costs little.
int64_t fewest_images(const DirectConvolution& s) {
  constexpr int64_t kWorth = 8;
  const int64_t weights = s.out * s.in * s.kernel_height * s.kernel_width;
  return kWorth * weights / (s.x_image() + s.y_image()) + 1;
}

// Convolutions in bf16 that oneDNN does faster on tiles than d2l's kernels; gradients of weights
// only of wide images with few channels. GFLOP/s of two cores of Emerald Rapids, d2l's ->
// oneDNN 2.6.3's: 64 -> 64 channels, 3 x 3 on 24 x 24, forward 490 -> 2580, input gradient 460 ->
// 2460; 256 -> 256 on 6 x 6, 550 -> 1060, 560 -> 1700; 1 -> 96, 11 x 11 with stride 4 on 224 x 224,
// forward 140 -> 930; 16 -> 32, 3 x 3 on 112 x 112, weight gradient 310 -> 900.
bool tiles_suit(const DirectConvolution& s, ConvolutionPass pass, DType dtype) {
  if (dtype != DType::bf16 || bf16_products() != Bf16Products::tiles) return false;
  switch (pass) {
    case ConvolutionPass::forward:
      return true;
    case ConvolutionPass::backward_input:
      return s.unit_stride() || s.kernel_width == 1;
    case ConvolutionPass::backward_weight:
      return s.in >= 16 && s.in < 64 && s.out_width >= 16 && s.unit_stride() &&
             s.kernel_width == 3 && !wants_f32_gradient(s);
  }
  return false;
}

}  // namespace

void CpuBackend::do_conv2d(const Conv2dParams& params, const ConvOperands& in, View y) {
  if (y.elements() == 0) return;
  const auto& [x, weight, bias] = in;
  DirectConvolution direct(params, x.shape, weight.shape, y.shape);
  if (pixels_suit(direct))
    return visit_float(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      pixels_forward(direct, pool_, in.x.as<T>(), in.weight.as<float>(), in.bias.as<float>(),
                     y.as<T>());
    });
  const bool first_layer = x.dtype == DType::bf16 && pair_first_forward_suits(direct);
  if (!first_layer && channels_forward_suits(direct))
    return visit_float(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      channels_forward(direct, pool_, in.x.as<T>(), in.weight.as<float>(), in.bias.as<float>(),
                       y.as<T>());
    });
  if (tiles_suit(direct, ConvolutionPass::forward, x.dtype))
    return forward_by_dnnl(dnnl_.state(), params, in, y);
  if (first_layer)
    return pair_first_forward(direct, pool_, x.as<Bfloat16>(), weight.as<float>(), bias.as<float>(),
                              y.as<Bfloat16>());
  if (winograd_suits(direct, ConvolutionPass::forward, x.dtype))
    return visit_float(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      winograd_forward(direct, pool_, in.x.as<T>(), in.weight.as<float>(), in.bias.as<float>(),
                       y.as<T>());
    });
  if (x.dtype == DType::bf16 && pair_small_forward_suits(direct))
    return pair_small_forward(direct, pool_, x.as<Bfloat16>(), weight.as<float>(), bias.as<float>(),
                              y.as<Bfloat16>());
  if (becomes_f32(x.dtype))
    return for_slices(direct.images, direct.x_image() + direct.y_image(), fewest_images(direct),
                      [&](int64_t first, int64_t count) {
                        const WidenedInput wide_x(*this, part_of(in.x, first, count));
                        const WidenedOutput wide_y(*this, part_of(y, first, count));
                        conv2d(params, {wide_x.view(), in.weight, in.bias}, wide_y.view());
                      });
  forward_by_dnnl(dnnl_.state(), params, in, y);
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
  DirectConvolution direct(params, grad_x.shape, weight.shape, grad_y.shape);
  if (taps_backward_input_suits(direct))
    return visit_float(grad_y.dtype, [&](auto zero) {
      using T = decltype(zero);
      taps_backward_input(direct, pool_, grad_y.as<T>(), weight.as<float>(), grad_x.as<T>());
    });
  if (tiles_suit(direct, ConvolutionPass::backward_input, grad_y.dtype))
    return backward_input_by_dnnl(dnnl_.state(), params, grad_y, weight, grad_x);
  if (winograd_suits(direct, ConvolutionPass::backward_input, grad_y.dtype))
    return visit_float(grad_y.dtype, [&](auto zero) {
      using T = decltype(zero);
      winograd_backward_input(direct, pool_, grad_y.as<T>(), weight.as<float>(), grad_x.as<T>());
    });
  if (grad_y.dtype == DType::bf16 && pair_small_backward_input_suits(direct))
    return pair_small_backward_input(direct, pool_, grad_y.as<Bfloat16>(), weight.as<float>(),
                                     grad_x.as<Bfloat16>());
  if (becomes_f32(grad_y.dtype))
    return for_slices(direct.images, direct.x_image() + direct.y_image(), fewest_images(direct),
                      [&](int64_t first, int64_t count) {
                        const WidenedInput wide_y(*this, part_of(grad_y, first, count));
                        const WidenedOutput wide_x(*this, part_of(grad_x, first, count));
                        conv2d_backward_input(params, wide_y.view(), weight, wide_x.view(), false);
                      });
  if (pointwise_suits(direct, grad_y.dtype))
    return pointwise_backward_input(*this, direct, grad_y, weight, grad_x);
  backward_input_by_dnnl(dnnl_.state(), params, grad_y, weight, grad_x);
}

void CpuBackend::do_conv2d_backward_weight(const Conv2dParams& params, ConstView x,
                                           ConstView grad_y, View grad_weight, View grad_bias) {
  if (grad_y.elements() == 0) {
    fill(grad_weight, 0);
    if (grad_bias) fill(grad_bias, 0);
    return;
  }
  DirectConvolution direct(params, x.shape, grad_weight.shape, grad_y.shape);
  if (pixels_suit(direct))
    return visit_float(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      pixels_backward_weight(direct, pool_, x.as<T>(), grad_y.as<T>(), grad_weight.as<float>(),
                             grad_bias.as<float>());
    });
  const bool first_layer = x.dtype == DType::bf16 && pair_first_backward_weight_suits(direct);
  if (!first_layer && channels_backward_weight_suits(direct))
    return visit_float(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      channels_backward_weight(direct, pool_, x.as<T>(), grad_y.as<T>(), grad_weight.as<float>(),
                               grad_bias.as<float>());
    });
  if (tiles_suit(direct, ConvolutionPass::backward_weight, x.dtype))
    return backward_weight_by_dnnl(dnnl_.state(), params, {x, grad_y}, grad_weight, grad_bias);
  if (first_layer)
    return pair_first_backward_weight(direct, pool_, x.as<Bfloat16>(), grad_y.as<Bfloat16>(),
                                      grad_weight.as<float>(), grad_bias.as<float>());
  if (winograd_suits(direct, ConvolutionPass::backward_weight, x.dtype))
    return visit_float(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      winograd_backward_weight(direct, pool_, x.as<T>(), grad_y.as<T>(), grad_weight.as<float>(),
                               grad_bias.as<float>());
    });
  if (x.dtype == DType::bf16 && pair_backward_weight_suits(direct))
    return pair_backward_weight(direct, pool_, x.as<Bfloat16>(), grad_y.as<Bfloat16>(),
                                grad_weight.as<float>(), grad_bias.as<float>());
  const bool wrong = x.dtype == DType::bf16 && wants_f32_gradient(direct);
  if (becomes_f32(x.dtype) || (wrong && !pointwise_suits(direct, x.dtype))) {
    const WidenedInput wide_x(*this, x), wide_grad_y(*this, grad_y);
    return conv2d_backward_weight(params, wide_x.view(), wide_grad_y.view(), grad_weight,
                                  grad_bias);
  }
  if (pointwise_suits(direct, x.dtype))
    return pointwise_backward_weight(*this, direct, x, grad_y, {grad_weight, grad_bias});
  backward_weight_by_dnnl(dnnl_.state(), params, {x, grad_y}, grad_weight, grad_bias);
}

void CpuBackend::do_conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                                const ConvKept& kept, View y) {
  DirectConvolution direct(params.conv, in.x.shape, in.weight.shape, kept.conv.shape);
  if (params.input_gradient || !pixels_pool_suit(direct, params.pool))
    return Backend::do_conv2d_pool(params, in, kept, y);
  visit_float(in.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    pixels_pool_forward(direct, pool_, in.x.as<T>(), in.weight.as<float>(), in.bias.as<float>(),
                        kept.conv.as<T>(), y.as<T>());
  });
}

void CpuBackend::do_conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                         const ConvKept& kept, ConstView grad_y,
                                         const ConvGradients& gradients) {
  DirectConvolution direct(params.conv, in.x.shape, in.weight.shape, kept.conv.shape);
  if (params.input_gradient || !pixels_pool_suit(direct, params.pool))
    return Backend::do_conv2d_pool_backward(params, in, kept, grad_y, gradients);
  visit_float(in.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    pixels_pool_backward_weight(direct, pool_, in.x.as<T>(), kept.conv.as<T>(), grad_y.as<T>(),
                                gradients.weight.as<float>(), gradients.bias.as<float>());
  });
}

}  // namespace d2l::cpu
