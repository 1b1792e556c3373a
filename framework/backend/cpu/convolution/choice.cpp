#include "framework/backend/cpu/convolution/choice.h"

#include <string_view>
#include <utility>

#include "framework/backend/cpu/convolution/bf16_pairs/bf16_pairs.h"
#include "framework/backend/cpu/convolution/dnnl/dnnl_convolution.h"
#include "framework/backend/cpu/convolution/dnnl/pointwise.h"
#include "framework/backend/cpu/convolution/f32_copies.h"
#include "framework/backend/cpu/convolution/few_channels/few_channels.h"
#include "framework/backend/cpu/convolution/winograd/winograd.h"
#include "framework/base/text.h"

namespace d2l::cpu {
namespace {

constexpr const char* kF32Copies = "f32_copies";

// With AMX, oneDNN also computes first layers; other layers with few channels are faster in f32.
bool amx_forward_suits(const ConvolutionShape& s) {
  return dnnl_amx_forward_suits(s) && (first_layer_forward_suits(s) || !channels_forward_suits(s));
}

constexpr ConvolutionKernel<ForwardOperands> kForward[] = {
    {"few_channels/pixels", pixels_suit, pixels_forward},
    {"dnnl (AMX)", amx_forward_suits, dnnl_forward},
    {"bf16_pairs/first_layer", first_layer_forward_suits, first_layer_forward},
    {"few_channels/channels", channels_forward_suits, channels_forward},
    {"winograd", winograd_forward_suits, winograd_forward},
    {"bf16_pairs/small_images", small_images_forward_suits, small_images_forward},
    {kF32Copies, f32_copies_suit, f32_copies_forward},
    {"dnnl", dnnl_suits, dnnl_forward},
};

constexpr ConvolutionKernel<InputGradientOperands> kBackwardInput[] = {
    {"few_channels/taps", taps_backward_input_suits, taps_backward_input},
    {"dnnl (AMX)", dnnl_amx_backward_input_suits, dnnl_backward_input},
    {"winograd", winograd_backward_input_suits, winograd_backward_input},
    {"bf16_pairs/small_images", small_images_backward_input_suits, small_images_backward_input},
    {kF32Copies, f32_copies_suit, f32_copies_backward_input},
    {"dnnl/pointwise", pointwise_suits, pointwise_backward_input},
    {"dnnl", dnnl_suits, dnnl_backward_input},
};

constexpr ConvolutionKernel<WeightGradientOperands> kBackwardWeight[] = {
    {"few_channels/pixels", pixels_suit, pixels_backward_weight},
    {"dnnl (AMX)", dnnl_amx_backward_weight_suits, dnnl_backward_weight},
    {"bf16_pairs/first_layer", first_layer_backward_weight_suits, first_layer_backward_weight},
    {"few_channels/channels", channels_backward_weight_suits, channels_backward_weight},
    {"winograd", winograd_backward_weight_suits, winograd_backward_weight},
    {"bf16_pairs/weight_gradient", pairs_backward_weight_suits, pairs_backward_weight},
    {kF32Copies, f32_copies_backward_weight_suit, f32_copies_backward_weight},
    {"dnnl/pointwise", pointwise_suits, pointwise_backward_weight},
    {"dnnl", dnnl_suits, dnnl_backward_weight},
};

constexpr PooledConvolutionKernel kPooled[] = {
    {"few_channels/pixels_pool", pixels_pool_suit, pixels_pool_forward, pixels_pool_backward},
};

std::string& forced_name() {
  static std::string name;
  return name;
}

template <class Operands, size_t kRows>
const ConvolutionKernel<Operands>& choose(const ConvolutionKernel<Operands> (&table)[kRows],
                                          const ConvolutionShape& s) {
  const std::string& forced = forced_name();
  if (!forced.empty())
    for (const auto& kernel : table)
      if (kernel.name == forced && kernel.suits(s)) return kernel;
  for (const auto& kernel : table)
    if (kernel.suits(s)) return kernel;
  return table[kRows - 1];
}

// Calls body(table) with the table of the pass.
template <class Body>
auto visit_table(ConvolutionPass pass, const Body& body) {
  switch (pass) {
    case ConvolutionPass::forward:
      return body(kForward);
    case ConvolutionPass::backward_input:
      return body(kBackwardInput);
    case ConvolutionPass::backward_weight:
      break;
  }
  return body(kBackwardWeight);
}

// The name, with the kernel that computes on the f32 copies.
std::string full_name(const char* name, ConvolutionPass pass, ConvolutionShape s) {
  if (std::string_view(name) != kF32Copies) return name;
  s.dtype = DType::f32;
  return concat(convolution_kernel(pass, s), " on f32 copies");
}

}  // namespace

void run_convolution(const ConvolutionContext& on, const ConvolutionShape& s,
                     const ForwardOperands& operands) {
  choose(kForward, s).run(on, s, operands);
}

void run_convolution(const ConvolutionContext& on, const ConvolutionShape& s,
                     const InputGradientOperands& operands) {
  choose(kBackwardInput, s).run(on, s, operands);
}

void run_convolution(const ConvolutionContext& on, const ConvolutionShape& s,
                     const WeightGradientOperands& operands) {
  choose(kBackwardWeight, s).run(on, s, operands);
}

const PooledConvolutionKernel* pooled_convolution_kernel(const ConvolutionShape& s,
                                                         const ConvPoolParams& params) {
  for (const PooledConvolutionKernel& kernel : kPooled)
    if (kernel.suits(s, params)) return &kernel;
  return nullptr;
}

std::vector<std::string> convolution_kernels(ConvolutionPass pass, const ConvolutionShape& shape) {
  return visit_table(pass, [&](const auto& table) {
    std::vector<std::string> names;
    for (const auto& kernel : table)
      if (kernel.suits(shape)) names.push_back(full_name(kernel.name, pass, shape));
    return names;
  });
}

std::string convolution_kernel(ConvolutionPass pass, const ConvolutionShape& shape) {
  return visit_table(
      pass, [&](const auto& table) { return full_name(choose(table, shape).name, pass, shape); });
}

ForcedConvolutionKernel::ForcedConvolutionKernel(const std::string& name)
    : before_(std::exchange(forced_name(), name)) {}
ForcedConvolutionKernel::~ForcedConvolutionKernel() { forced_name() = before_; }

}  // namespace d2l::cpu
