#pragma once

#include <type_traits>

#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/pack.h"
#include "framework/backend/formulas.h"

// Kernels process activations in packs of adjacent channels (the last axis).

namespace d2l::cuda {

// Calls visitor(T{}, kPack) with the type of the activations and the number of channels per pack as
// a constant. A pack has 16 bytes, but at most kMost channels, if rows consist of whole packs and
// all activations are `aligned` to 16 bytes; otherwise it has one channel.
template <int kMost = 8, class Visitor>
void visit_packs(DType dtype, int64_t channels, bool aligned, Visitor&& visitor) {
  visit_float(dtype, [&](auto zero) {
    constexpr int kWhole = std::min(kPackOf<decltype(zero)>, kMost);
    if (aligned && channels % kWhole == 0)
      visitor(zero, std::integral_constant<int, kWhole>{});
    else
      visitor(zero, std::integral_constant<int, 1>{});
  });
}

// The formula of Activation::none.
struct NoActivation {
  __device__ float operator()(float x) const { return x; }
  __device__ float derivative(float, float) const { return 1.0f; }
};

// Calls visitor(functor), also for `none`.
template <class Visitor>
void visit_any_activation(Activation activation, Visitor&& visitor) {
  if (activation == Activation::none) return visitor(NoActivation{});
  visit_activation(activation, visitor);
}

}  // namespace d2l::cuda
