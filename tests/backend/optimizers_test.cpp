#include <cmath>

#include "tests/backend/arrays.h"

namespace d2l::test {
namespace {

const std::vector<int64_t> kSizes = {1, 3, 17, 100003};

// Three steps in double, as PyTorch's torch.optim.SGD defines them.
std::vector<double> naive_sgd(const SgdParams& params, const Floats& start, const Floats& slopes) {
  std::vector<double> value(start.begin(), start.end()), velocity(start.size());
  for (int step = 1; step <= 3; ++step)
    for (size_t i = 0; i < value.size(); ++i) {
      const double gradient = static_cast<double>(slopes[i]) * step;
      double g = gradient + params.weight_decay * value[i];
      if (params.momentum != 0) {
        velocity[i] = step == 1 ? g : params.momentum * velocity[i] + g;
        g = params.nesterov ? g + params.momentum * velocity[i] : velocity[i];
      }
      value[i] -= params.lr * g;
    }
  return value;
}

Floats times(const Floats& values, int factor) {
  Floats result = values;
  for (float& value : result) value *= static_cast<float>(factor);
  return result;
}

TEST(Sgd, ThreeStepsOfEveryKind) {
  auto backend = make_cpu_backend(2);
  for (int64_t size : kSizes)
    for (const SgdParams& params :
         {SgdParams{.lr = 0.1}, SgdParams{.lr = 0.1, .weight_decay = 0.2},
          SgdParams{.lr = 0.1, .momentum = 0.9},
          SgdParams{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2},
          SgdParams{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2, .nesterov = true}}) {
      const Floats start = random_floats(size), slopes = random_floats(size, -1, 1, 2);
      Floats value = start, velocity(static_cast<size_t>(size), 0.0f);
      for (int step = 1; step <= 3; ++step)
        backend->sgd_step(params, in(times(slopes, step)), out(value),
                          params.momentum == 0 ? View{} : out(velocity));
      ASSERT_TRUE(near(value, naive_sgd(params, start, slopes), 2e-6, 5e-7)) << size;
    }
}

std::vector<double> naive_adam(const AdamParams& params, const Floats& start,
                               const Floats& slopes) {
  std::vector<double> value(start.begin(), start.end()), mean(start.size()), square(start.size());
  for (int step = 1; step <= 3; ++step)
    for (size_t i = 0; i < value.size(); ++i) {
      double g = static_cast<double>(slopes[i]) * step;
      if (params.decoupled)
        value[i] *= 1 - params.lr * params.weight_decay;
      else
        g += params.weight_decay * value[i];
      mean[i] = params.beta1 * mean[i] + (1 - params.beta1) * g;
      square[i] = params.beta2 * square[i] + (1 - params.beta2) * g * g;
      const double corrected_mean = mean[i] / (1 - std::pow(params.beta1, step));
      const double corrected_square = square[i] / (1 - std::pow(params.beta2, step));
      value[i] -= params.lr * corrected_mean / (std::sqrt(corrected_square) + params.epsilon);
    }
  return value;
}

TEST(Adam, ThreeStepsOfEveryKind) {
  auto backend = make_cpu_backend(2);
  for (int64_t size : kSizes)
    for (const AdamParams& kind :
         {AdamParams{.lr = 0.01}, AdamParams{.lr = 0.01, .beta1 = 0.8, .beta2 = 0.9},
          AdamParams{.lr = 0.01, .epsilon = 0.1, .weight_decay = 0.3},
          AdamParams{.lr = 0.01, .weight_decay = 0.3, .decoupled = true}}) {
      const Floats start = random_floats(size), slopes = random_floats(size, -1, 1, 2);
      Floats value = start, mean(static_cast<size_t>(size), 0.0f), square = mean;
      for (int step = 1; step <= 3; ++step) {
        AdamParams params = kind;
        params.step = step;
        backend->adam_step(params, in(times(slopes, step)), out(value), out(mean), out(square));
      }
      // 2e-5 of one step's length: sums of nearly opposite signs lose digits
      ASSERT_TRUE(near(value, naive_adam(kind, start, slopes), 1e-6, 2e-5 * kind.lr + 1e-6))
          << size;
    }
}

// A published property: the first step is lr long whatever the gradient's scale.
TEST(Adam, FirstStepIsAsLongAsTheLearningRate) {
  auto backend = make_cpu_backend(1);
  Floats gradient = {1e-3f, -5, 300}, value = {0, 0, 0}, mean = value, square = value;
  backend->adam_step({.lr = 0.25}, in(gradient), out(value), out(mean), out(square));
  EXPECT_TRUE(near(value, Floats{-0.25f, 0.25f, -0.25f}, 2e-5));
}

TEST(Optimizers, SameBitsOnAnyNumberOfThreads) {
  expect_thread_independent([](Backend& backend) {
    const Floats gradient = random_floats(1000003, -1, 1, 2);
    Floats value = random_floats(1000003), mean(1000003, 0.0f), square = mean;
    backend.adam_step({.weight_decay = 0.1}, in(gradient), out(value), out(mean), out(square));
    backend.sgd_step({.momentum = 0.9}, in(gradient), out(value), out(mean));
    return value;
  });
}

}  // namespace
}  // namespace d2l::test
