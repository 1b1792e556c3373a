#include <cmath>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/loop_nest.h"
#include "framework/backend/cpu/parallel.h"

namespace d2l::cpu {
namespace {

struct SgdRun {
  const float* gradient;
  float* value;
  float* velocity;
  int64_t count;
};

struct SgdRates {
  float lr, momentum, weight_decay;
};

D2L_SIMD void sgd_plain(const SgdRates& rates, const SgdRun& run) {
  const float* __restrict__ gradient = run.gradient;
  float* __restrict__ value = run.value;
  const float lr = rates.lr, weight_decay = rates.weight_decay;
  for (int64_t i = 0; i < run.count; ++i) value[i] -= lr * (gradient[i] + weight_decay * value[i]);
}

template <bool kNesterov>
D2L_SIMD void sgd_momentum(const SgdRates& rates, const SgdRun& run) {
  const float* __restrict__ gradient = run.gradient;
  float* __restrict__ value = run.value;
  float* __restrict__ velocity = run.velocity;
  const float lr = rates.lr, momentum = rates.momentum, weight_decay = rates.weight_decay;
  for (int64_t i = 0; i < run.count; ++i) {
    float slope = gradient[i] + weight_decay * value[i];
    float moving = momentum * velocity[i] + slope;
    velocity[i] = moving;
    value[i] -= lr * (kNesterov ? slope + momentum * moving : moving);
  }
}

struct AdamRun {
  const float* gradient;
  float* value;
  float* mean;
  float* square;
  int64_t count;
};

struct AdamRates {
  float keep_mean, add_mean;      // beta1 and 1 - beta1
  float keep_square, add_square;  // beta2 and 1 - beta2
  float coupled_decay;            // added to the gradient, times the value
  float keep_value;               // 1 - lr weight_decay when decoupled, else 1
  float step_size;                // lr / (1 - beta1^step)
  float root_scale;               // 1 / sqrt(1 - beta2^step)
  float epsilon;
};

D2L_SIMD void adam_run(const AdamRates& given, const AdamRun& run) {
  const AdamRates rates = given;
  const float* __restrict__ gradient = run.gradient;
  float* __restrict__ value = run.value;
  float* __restrict__ mean = run.mean;
  float* __restrict__ square = run.square;
  for (int64_t i = 0; i < run.count; ++i) {
    float slope = gradient[i] + rates.coupled_decay * value[i];
    float first = rates.keep_mean * mean[i] + rates.add_mean * slope;
    float second = rates.keep_square * square[i] + rates.add_square * slope * slope;
    mean[i] = first;
    square[i] = second;
    value[i] = rates.keep_value * value[i] -
               rates.step_size * first / (std::sqrt(second) * rates.root_scale + rates.epsilon);
  }
}

AdamRates adam_rates(const AdamParams& params) {
  const double step = static_cast<double>(params.step);
  const double coupled = params.decoupled ? 0.0 : params.weight_decay;
  const double decoupled = params.decoupled ? params.lr * params.weight_decay : 0.0;
  return {.keep_mean = static_cast<float>(params.beta1),
          .add_mean = static_cast<float>(1.0 - params.beta1),
          .keep_square = static_cast<float>(params.beta2),
          .add_square = static_cast<float>(1.0 - params.beta2),
          .coupled_decay = static_cast<float>(coupled),
          .keep_value = static_cast<float>(1.0 - decoupled),
          .step_size = static_cast<float>(params.lr / (1.0 - std::pow(params.beta1, step))),
          .root_scale = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(params.beta2, step))),
          .epsilon = static_cast<float>(params.epsilon)};
}

}  // namespace

void CpuBackend::sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity) {
  const SgdRates rates{static_cast<float>(params.lr), static_cast<float>(params.momentum),
                       static_cast<float>(params.weight_decay)};
  const bool moves = params.momentum != 0;
  const SgdRun all{gradient.as<float>(), value.as<float>(), velocity.as<float>(), 0};
  parallel_for(value.elements(), kGrain, [&](int64_t begin, int64_t end) {
    SgdRun run{all.gradient + begin, all.value + begin, moves ? all.velocity + begin : nullptr,
               end - begin};
    if (!moves)
      sgd_plain(rates, run);
    else if (params.nesterov)
      sgd_momentum<true>(rates, run);
    else
      sgd_momentum<false>(rates, run);
  });
}

void CpuBackend::adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                           View square) {
  const AdamRates rates = adam_rates(params);
  const float* at_gradient = gradient.as<float>();
  float* at_value = value.as<float>();
  float* at_mean = mean.as<float>();
  float* at_square = square.as<float>();
  parallel_for(value.elements(), kGrain, [&](int64_t begin, int64_t end) {
    adam_run(rates, {at_gradient + begin, at_value + begin, at_mean + begin, at_square + begin,
                     end - begin});
  });
}

}  // namespace d2l::cpu
