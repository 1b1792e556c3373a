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

// LARS: the learning rate enters the velocity.
TEST(Sgd, LearningRateInTheVelocity) {
  auto backend = make_cpu_backend(1);
  Floats value = {1}, velocity = {0.5f};
  SgdParams params{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5, .lr_in_velocity = true};
  backend->sgd_step(params, in(Floats{2}), out(value), out(velocity));
  EXPECT_TRUE(near(velocity, Floats{0.45f + 0.1f * 2.5f}));
  EXPECT_TRUE(near(value, Floats{1 - 0.7f}));
  params.nesterov = true;
  value = {1}, velocity = {0.5f};
  backend->sgd_step(params, in(Floats{2}), out(value), out(velocity));
  EXPECT_TRUE(near(value, Floats{1 - (0.25f + 0.9f * 0.7f)}));
  value = {1};
  params.momentum = 0;
  backend->sgd_step(params, in(Floats{2}), out(value), View{});
  EXPECT_TRUE(near(value, Floats{0.75f}));
}

// Some of them longer than a thread's piece, with gaps before, between and after.
const std::vector<StepRange> kRanges = {{.begin = 1, .end = 17, .lr = 0.5},
                                        {.begin = 17, .end = 40000, .weight_decay = 0},
                                        {.begin = 50000, .end = 50001, .lr = 2},
                                        {.begin = 50001, .end = 90000, .weight_decay = 3}};
constexpr int64_t kElements = 100003;

// Element by element what a step of its range alone gives; nothing moves outside the ranges.
template <class Step>
void expect_ranges(const Floats& start, const Floats& found, const Step& step) {
  size_t at = 0;
  for (const StepRange& range : kRanges) {
    for (; at < static_cast<size_t>(range.begin); ++at) ASSERT_EQ(found[at], start[at]) << at;
    const Floats expected = step(range);
    for (; at < static_cast<size_t>(range.end); ++at)
      ASSERT_NEAR(found[at], expected[at], 1e-6) << at;
  }
  for (; at < start.size(); ++at) ASSERT_EQ(found[at], start[at]) << at;
}

TEST(Sgd, RangesHaveTheirOwnFactors) {
  auto backend = make_cpu_backend(2);
  const Floats start = random_floats(kElements), slopes = random_floats(kElements, -1, 1, 2);
  for (double momentum : {0.0, 0.9}) {
    auto step = [&](const SgdParams& params) {
      Floats value = start, velocity = slopes;
      backend->sgd_step(params, in(slopes), out(value), out(velocity));
      return value;
    };
    expect_ranges(start,
                  step({.lr = 0.1, .momentum = momentum, .weight_decay = 0.2, .ranges = kRanges}),
                  [&](const StepRange& range) {
                    return step({.lr = 0.1 * range.lr,
                                 .momentum = momentum,
                                 .weight_decay = 0.2 * range.weight_decay});
                  });
  }
}

TEST(Adam, RangesHaveTheirOwnFactors) {
  auto backend = make_cpu_backend(2);
  const Floats start = random_floats(kElements), slopes = random_floats(kElements, -1, 1, 2);
  for (bool decoupled : {false, true}) {
    auto step = [&](const AdamParams& params) {
      Floats value = start, mean = slopes, square(kElements, 0.5f);
      backend->adam_step(params, in(slopes), out(value), out(mean), out(square));
      return value;
    };
    expect_ranges(start,
                  step({.lr = 0.1, .weight_decay = 0.2, .decoupled = decoupled, .ranges = kRanges}),
                  [&](const StepRange& range) {
                    return step({.lr = 0.1 * range.lr,
                                 .weight_decay = 0.2 * range.weight_decay,
                                 .decoupled = decoupled});
                  });
  }
}

TEST(Lamb, DirectionIsItsFormula) {
  auto backend = make_cpu_backend(2);
  for (int64_t size : kSizes) {
    const Floats value = random_floats(size), slopes = random_floats(size, -1, 1, 2);
    Floats mean(static_cast<size_t>(size), 0.0f), square = mean, direction;
    std::vector<double> m(mean.size()), s(mean.size()), expected(mean.size());
    for (int step = 1; step <= 3; ++step) {
      direction = times(slopes, step);
      backend->lamb_direction({.epsilon = 1e-6, .weight_decay = 0.3, .step = step}, out(direction),
                              in(value), out(mean), out(square));
      for (size_t i = 0; i < m.size(); ++i) {
        const double g = static_cast<double>(slopes[i]) * step;
        m[i] = 0.9 * m[i] + 0.1 * g;
        s[i] = 0.999 * s[i] + 0.001 * g * g;
        expected[i] = m[i] / (1 - std::pow(0.9, step)) /
                          (std::sqrt(s[i] / (1 - std::pow(0.999, step))) + 1e-6) +
                      0.3 * static_cast<double>(value[i]);
      }
      ASSERT_TRUE(near(direction, expected, 2e-5, 2e-6)) << size << ", step " << step;
    }
  }
}

TEST(Lamb, DirectionIsItsComposition) {
  auto backend = make_cpu_backend(2);
  const Floats value = random_floats(kElements), start = random_floats(kElements, -1, 1, 2);
  auto compute = [&](auto kernel) {
    Floats direction = start, mean = value, square(kElements, 0.5f);
    kernel(AdamParams{.weight_decay = 0.3, .step = 7, .ranges = kRanges}, out(direction), in(value),
           out(mean), out(square));
    direction.insert(direction.end(), mean.begin(), mean.end());
    direction.insert(direction.end(), square.begin(), square.end());
    return direction;
  };
  const Floats found = compute([&](auto&&... operands) { backend->lamb_direction(operands...); });
  const Floats expected =
      compute([&](auto&&... operands) { backend->Backend::do_lamb_direction(operands...); });
  EXPECT_TRUE(near(found, expected, 1e-5, 1e-6));
  EXPECT_EQ(found[0], start[0]) << "outside the ranges";
}

TEST(Norms, OfEveryRange) {
  auto backend = make_cpu_backend(2);
  const Floats x = random_floats(kElements);
  std::vector<double> expected;
  for (const StepRange& range : kRanges) {
    double total = 0;
    for (int64_t i = range.begin; i < range.end; ++i)
      total += std::pow(static_cast<double>(x[static_cast<size_t>(i)]), 2);
    expected.push_back(std::sqrt(total));
  }
  Floats found = poisoned(4), composed = poisoned(4);
  backend->norms(kRanges, in(x), out(found));
  backend->Backend::do_norms(kRanges, in(x), out(composed));
  EXPECT_TRUE(near(found, expected, 1e-6));
  EXPECT_TRUE(near(composed, expected, 1e-5));
  const std::vector<StepRange> odd = {{.begin = 0, .end = 0}, {.begin = 0, .end = 3}};
  Floats both = poisoned(2);
  backend->norms(odd, in({3e30f, 4e30f, 0}), out(both));
  EXPECT_TRUE(near(both, Floats{0, 5e30f}));
  backend->norms(odd, in({3, kNaN, 0}), out(both));
  EXPECT_TRUE(std::isnan(both[1]));
}

TEST(Optimizers, SameBitsOnAnyNumberOfThreads) {
  expect_thread_independent([](Backend& backend) {
    const Floats gradient = random_floats(1000003, -1, 1, 2);
    Floats value = random_floats(1000003), mean(1000003, 0.0f), square = mean, moved = gradient;
    backend.adam_step({.weight_decay = 0.1}, in(gradient), out(value), out(mean), out(square));
    backend.sgd_step({.momentum = 0.9}, in(gradient), out(value), out(mean));
    backend.lamb_direction({.weight_decay = 0.1}, out(moved), in(value), out(mean), out(square));
    value.insert(value.end(), moved.begin(), moved.end());
    Floats norms = poisoned(4);
    backend.norms(kRanges, in(value), out(norms));
    value.insert(value.end(), norms.begin(), norms.end());
    return value;
  });
}

}  // namespace
}  // namespace d2l::test
