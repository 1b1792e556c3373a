#pragma once

#include <oneapi/dnnl/dnnl.hpp>

// The code that depends on oneDNN's major version: the creation of primitive descriptors. Version 2
// creates an operation descriptor first; version 3 takes the same arguments in one call. To support
// another version, write these functions for it; no other code uses a `desc`.
static_assert(DNNL_VERSION_MAJOR == 2, "this header speaks oneDNN 2");

namespace d2l::cpu::dnnl_version {

using Md = dnnl::memory::desc;
using Dims = dnnl::memory::dims;

// Attributes for primitives whose caller passes scratch memory at each execution.
inline dnnl::primitive_attr attributes() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

inline void append_activation(dnnl::post_ops& ops, dnnl::algorithm algorithm) {
  ops.append_eltwise(1.0f, algorithm, 0.0f, 0.0f);
}

// bias may be an empty descriptor.
inline dnnl::matmul::primitive_desc matmul(const dnnl::engine& engine, const Md& a, const Md& b,
                                           const Md& bias, const Md& out,
                                           const dnnl::primitive_attr& attr) {
  if (bias.data.ndims == 0) return {dnnl::matmul::desc(a, b, out), attr, engine};
  return {dnnl::matmul::desc(a, b, bias, out), attr, engine};
}

struct ConvolutionDescription {
  Md x, weight, bias, y;  // bias may be an empty descriptor
  Dims stride, padding;
};

inline dnnl::convolution_forward::primitive_desc convolution_forward(
    const dnnl::engine& engine, const ConvolutionDescription& s, const dnnl::primitive_attr& attr) {
  auto kind = dnnl::prop_kind::forward_training;
  auto algorithm = dnnl::algorithm::convolution_auto;
  using Desc = dnnl::convolution_forward::desc;
  if (s.bias.data.ndims == 0)
    return {Desc(kind, algorithm, s.x, s.weight, s.y, s.stride, s.padding, s.padding), attr,
            engine};
  return {Desc(kind, algorithm, s.x, s.weight, s.bias, s.y, s.stride, s.padding, s.padding), attr,
          engine};
}

inline dnnl::convolution_backward_data::primitive_desc convolution_backward_data(
    const dnnl::engine& engine, const ConvolutionDescription& s, const dnnl::primitive_attr& attr) {
  auto algorithm = dnnl::algorithm::convolution_auto;
  auto hint = convolution_forward(engine, s, attributes());
  return {dnnl::convolution_backward_data::desc(algorithm, s.x, s.weight, s.y, s.stride, s.padding,
                                                s.padding),
          attr, engine, hint};
}

inline dnnl::convolution_backward_weights::primitive_desc convolution_backward_weights(
    const dnnl::engine& engine, const ConvolutionDescription& s, const dnnl::primitive_attr& attr) {
  auto algorithm = dnnl::algorithm::convolution_auto;
  // A forward convolution needs weights of the images' type; here they are f32 sums of bf16
  // products.
  ConvolutionDescription forward = s;
  forward.weight = Md(s.weight.dims(), s.x.data_type(), dnnl::memory::format_tag::any);
  auto hint = convolution_forward(engine, forward, attributes());
  using Desc = dnnl::convolution_backward_weights::desc;
  if (s.bias.data.ndims == 0)
    return {Desc(algorithm, s.x, s.weight, s.y, s.stride, s.padding, s.padding), attr, engine,
            hint};
  return {Desc(algorithm, s.x, s.weight, s.bias, s.y, s.stride, s.padding, s.padding), attr, engine,
          hint};
}

}  // namespace d2l::cpu::dnnl_version
