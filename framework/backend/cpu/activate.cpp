#include "framework/backend/cpu/activate.h"

#include "framework/backend/cpu/parallel.h"
#include "framework/backend/formulas.h"

namespace d2l::cpu {
namespace {

D2L_SIMD void relu(float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = formulas::Relu{}(values[i]);
}
D2L_SIMD void sigmoid(float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = formulas::Sigmoid{}(values[i]);
}
D2L_SIMD void tanh(float* values, int64_t count) {
  for (int64_t i = 0; i < count; ++i) values[i] = formulas::Tanh{}(values[i]);
}

}  // namespace

void activate(Activation activation, float* values, int64_t count) {
  switch (activation) {
    case Activation::none:
      return;
    case Activation::relu:
      return relu(values, count);
    case Activation::sigmoid:
      return sigmoid(values, count);
    case Activation::tanh:
      return tanh(values, count);
  }
}

}  // namespace d2l::cpu
