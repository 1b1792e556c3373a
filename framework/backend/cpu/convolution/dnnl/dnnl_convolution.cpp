#include "framework/backend/cpu/convolution/dnnl/dnnl_convolution.h"

#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/convolution/image_sums.h"
#include "framework/backend/cpu/dnnl_pieces.h"
#include "framework/backend/cpu/widened.h"

namespace d2l::cpu {
namespace {

using dnnl_version::ConvolutionDescription;
using dnnl_version::Dims;
using dnnl_version::Md;
using Tag = dnnl::memory::format_tag;

Md described(const Shape& s, DType dtype, Tag tag) {
  // oneDNN's axes are N, C, H, W and O, I, H, W, whatever the order in memory
  return {Dims{s[0], s[3], s[1], s[2]}, dnnl_type(dtype), tag};
}

struct Convolution {
  Shape x, weight, y;
  bool with_bias;
  DType dtype;  // of images; the caller's weights and biases are f32
};

// Describes the caller's memory.
ConvolutionDescription outside_of(const Conv2dParams& params, const Convolution& shape) {
  ConvolutionDescription made;
  made.x = described(shape.x, shape.dtype, Tag::nhwc);
  made.weight = described(shape.weight, DType::f32, Tag::ohwi);
  made.y = described(shape.y, shape.dtype, Tag::nhwc);
  if (shape.with_bias) made.bias = Md({shape.weight[0]}, dnnl::memory::data_type::f32, Tag::x);
  made.stride = {params.stride.height, params.stride.width};
  made.padding = {params.padding.height, params.padding.width};
  return made;
}

// Lets the primitive choose the layout of the weights, which are small. It reads weights in the
// images' type and writes their gradients, which are sums, as f32.
ConvolutionDescription free_weight(ConvolutionDescription shape, const Shape& weight, DType dtype) {
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
  ConvolutionDescription outside = outside_of(params, shape);
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
  ConvolutionDescription outside = outside_of(params, shape);
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
  ConvolutionDescription outside = outside_of(params, shape);
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

Conv2dParams without_activation(Conv2dParams params) {
  params.activation = Activation::none;
  return params;
}

// Whether, along one axis, some tap of the kernel reads only padding.
bool some_tap_reads_only_padding(int64_t size, int64_t kernel, int64_t stride, int64_t padding,
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

// Preparing the weights for a piece should cost little: about a quarter of the time of so many
// result pixels.
constexpr int64_t kPixels = 128;

PieceSizes sizes_of_pieces(const ConvolutionShape& s) {
  return {.most = 16, .fewest = kPixels / (s.out_height * s.out_width) + 1};
}

// The same with sums, which have to be written and added too.
PieceSizes sizes_of_summed_pieces(const ConvolutionShape& s) {
  return {.most = 8, .fewest = 2 * kPixels / (s.out_height * s.out_width) + 1};
}

bool multiplies_in_tiles(const ConvolutionShape& s) {
  return s.dtype == DType::bf16 && bf16_products() == Bf16Products::tiles;
}

}  // namespace

// All three functions run primitives from the cache, or create them.
void dnnl_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                  const ForwardOperands& operands) {
  DnnlState& state = on.dnnl;
  const ConstView &weight = operands.weight, &bias = operands.bias;
  std::vector<DnnlWork> works;
  for (const PieceOfItems& piece : pieces_of(state, s.images, sizes_of_pieces(s))) {
    const ConstView x = part_of(operands.x, piece.begin, piece.count());
    const View y = part_of(operands.y, piece.begin, piece.count());
    const Convolution shape{x.shape, weight.shape, y.shape, static_cast<bool>(bias), x.dtype};
    CachedPrimitive& primitive = state.find(key_of(DnnlOp::convolution, s.params, shape), [&] {
      return make_forward(state.engine, s.params, shape);
    });
    works.push_back({&primitive, {x.data, weight.data, y.data, bias.data}});
  }
  run_pieces(state, works);
}

void dnnl_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                         const InputGradientOperands& operands) {
  DnnlState& state = on.dnnl;
  const ConstView& weight = operands.weight;
  const Conv2dParams params = without_activation(s.params);
  std::vector<DnnlWork> works;
  for (const PieceOfItems& piece : pieces_of(state, s.images, sizes_of_pieces(s))) {
    const ConstView grad_y = part_of(operands.grad_y, piece.begin, piece.count());
    const View grad_x = part_of(operands.grad_x, piece.begin, piece.count());
    const Convolution shape{grad_x.shape, weight.shape, grad_y.shape, false, grad_y.dtype};
    CachedPrimitive& primitive =
        state.find(key_of(DnnlOp::convolution_backward_input, params, shape),
                   [&] { return make_backward_input(state.engine, params, shape); });
    works.push_back({&primitive, {grad_y.data, weight.data, grad_x.data}});
  }
  run_pieces(state, works);
}

void dnnl_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                          const WeightGradientOperands& operands) {
  const auto& [all_x, all_grad_y, grad_weight, grad_bias] = operands;
  DnnlState& state = on.dnnl;
  const Conv2dParams params = without_activation(s.params);
  const std::vector<PieceOfItems> pieces = pieces_of(state, s.images, sizes_of_summed_pieces(s));
  // Every piece but the first has memory of its own; the bias follows the weights.
  const int64_t weights = grad_weight.elements(), sums = (weights + s.out + 15) / 16 * 16;
  Scratch<float> more(state.pool, (std::ssize(pieces) - 1) * sums);
  std::vector<DnnlWork> works;
  for (const PieceOfItems& piece : pieces) {
    const ConstView x = part_of(all_x, piece.begin, piece.count());
    const ConstView grad_y = part_of(all_grad_y, piece.begin, piece.count());
    const Convolution shape{x.shape, grad_weight.shape, grad_y.shape, static_cast<bool>(grad_bias),
                            x.dtype};
    CachedPrimitive& primitive =
        state.find(key_of(DnnlOp::convolution_backward_weight, params, shape),
                   [&] { return make_backward_weight(state.engine, params, shape); });
    const int64_t number = std::ssize(works);
    float* own = more.data() + (number - 1) * sums;
    if (number == 0)
      works.push_back({&primitive, {x.data, grad_y.data, grad_weight.data, grad_bias.data}});
    else
      works.push_back({&primitive, {x.data, grad_y.data, own, own + weights}});
  }
  run_pieces(state, works);
  for (int64_t i = 0; i + 1 < std::ssize(pieces); ++i) {
    const float* own = more.data() + i * sums;
    parallel_for(weights, kGrain, [&, &to = grad_weight](int64_t begin, int64_t end) {
      add(own + begin, end - begin, to.as<float>() + begin);
    });
    if (grad_bias) add(own + weights, s.out, grad_bias.as<float>());
  }
}

bool dnnl_suits(const ConvolutionShape&) { return true; }

bool wants_f32_gradient(const ConvolutionShape& s) {
  const Conv2dParams& p = s.params;
  return (s.in % 16 != 0 || s.out % 16 != 0) &&
         (some_tap_reads_only_padding(s.width, s.kernel_width, p.stride.width, p.padding.width,
                                      s.out_width) ||
          some_tap_reads_only_padding(s.height, s.kernel_height, p.stride.height, p.padding.height,
                                      s.out_height));
}

bool dnnl_amx_forward_suits(const ConvolutionShape& s) { return multiplies_in_tiles(s); }

bool dnnl_amx_backward_input_suits(const ConvolutionShape& s) {
  return multiplies_in_tiles(s) && (s.unit_stride() || s.kernel_width == 1);
}

bool dnnl_amx_backward_weight_suits(const ConvolutionShape& s) {
  return multiplies_in_tiles(s) && s.in >= 16 && s.in < 64 && s.out_width >= 16 &&
         s.unit_stride() && s.kernel_width == 3 && !wants_f32_gradient(s);
}

}  // namespace d2l::cpu
