#include "framework/backend/cpu/activate.h"

#include "framework/backend/cpu/parallel.h"
#include "framework/backend/formulas.h"

namespace d2l::cpu {
namespace {

template <class Formula>
D2L_SIMD void apply(const Formula& formula, float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = formula(values[i]);
}

template <class T, class Formula>
D2L_SIMD void apply_gradient(const Formula& formula, const T* y, float* grad, int64_t count) {
  for (int64_t i = 0; i < count; ++i) grad[i] *= formula.derivative(0.0f, static_cast<float>(y[i]));
}

}  // namespace

void activate(Activation activation, float* values, int64_t count) {
  visit_activation(activation, [&](auto formula) { apply(formula, values, count); });
}

template <class T>
void activate_gradient(Activation activation, const T* y, float* grad, int64_t count) {
  visit_activation(activation, [&](auto formula) { apply_gradient(formula, y, grad, count); });
}

template void activate_gradient(Activation, const float*, float*, int64_t);
template void activate_gradient(Activation, const Bfloat16*, float*, int64_t);

}  // namespace d2l::cpu
