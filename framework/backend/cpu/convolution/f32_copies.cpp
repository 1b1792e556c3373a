#include "framework/backend/cpu/convolution/f32_copies.h"

#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/convolution/choice.h"
#include "framework/backend/cpu/convolution/dnnl/dnnl_convolution.h"
#include "framework/backend/cpu/convolution/dnnl/pointwise.h"
#include "framework/backend/cpu/dnnl_cache.h"
#include "framework/backend/cpu/widened.h"

namespace d2l::cpu {
namespace {

// Images per slice and thread, so that preparing the weights for each slice costs little.
int64_t fewest_images(const ConvolutionShape& s) {
  constexpr int64_t kWorth = 8;
  const int64_t weights = s.out * s.in * s.kernel_height * s.kernel_width;
  return kWorth * weights / (s.x_image() + s.y_image()) + 1;
}

// By which slices are measured. Where the number of threads must not change a bit: a common one.
int threads_of(const ConvolutionContext& on) { return on.dnnl.computes_pieces() ? 8 : team_size(); }

}  // namespace

bool f32_copies_suit(const ConvolutionShape& s) {
  return s.dtype == DType::bf16 && bf16_products() == Bf16Products::f32;
}

void f32_copies_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                        const ForwardOperands& operands) {
  const auto& [x, weight, bias, y] = operands;
  for_slices(s.images, s.x_image() + s.y_image(), fewest_images(s), threads_of(on),
             [&, &x = x, &weight = weight, &bias = bias, &y = y](int64_t first, int64_t count) {
               const WidenedInput wide_x(on.backend, part_of(x, first, count));
               const WidenedOutput wide_y(on.backend, part_of(y, first, count));
               run_convolution(on, {s.params, wide_x.view(), weight.shape, wide_y.view().shape},
                               ForwardOperands{wide_x.view(), weight, bias, wide_y.view()});
             });
}

void f32_copies_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                               const InputGradientOperands& operands) {
  const auto& [grad_y, weight, grad_x] = operands;
  for_slices(
      s.images, s.x_image() + s.y_image(), fewest_images(s), threads_of(on),
      [&, &grad_y = grad_y, &weight = weight, &grad_x = grad_x](int64_t first, int64_t count) {
        const WidenedInput wide_y(on.backend, part_of(grad_y, first, count));
        const WidenedOutput wide_x(on.backend, part_of(grad_x, first, count));
        run_convolution(on, {s.params, wide_x.view(), weight.shape, wide_y.view().shape},
                        InputGradientOperands{wide_y.view(), weight, wide_x.view()});
      });
}

bool f32_copies_backward_weight_suit(const ConvolutionShape& s) {
  const bool is_wrong_in_bf16 =
      s.dtype == DType::bf16 && wants_f32_gradient(s) && !pointwise_suits(s);
  return f32_copies_suit(s) || is_wrong_in_bf16;
}

void f32_copies_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                                const WeightGradientOperands& operands) {
  const auto& [x, grad_y, grad_weight, grad_bias] = operands;
  const WidenedInput wide_x(on.backend, x), wide_y(on.backend, grad_y);
  run_convolution(on, {s.params, wide_x.view(), grad_weight.shape, grad_y.shape},
                  WeightGradientOperands{wide_x.view(), wide_y.view(), grad_weight, grad_bias});
}

}  // namespace d2l::cpu
