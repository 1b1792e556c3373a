// Learning rates per parameter, compared with PyTorch's parameter groups and with plain loops.

#include <gmock/gmock.h>

#include <cmath>

#include "framework/nn/layers.h"
#include "framework/optim/optimizer.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::device;
using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;
using Numbers = std::vector<double>;

constexpr int kGroups = 3, kSize = 3, kSteps = 5;
constexpr double kFactors[kGroups] = {1, 0.1, 2.5};

double initial(int group, int i) { return std::cos(0.7 * (kSize * group + i)); }
double gradient(int group, int i, int step) { return std::sin(kSize * group + i + 1.7 * step); }

// Parameters "0", "1" and "2" of three elements each.
struct Groups final : nn::Module {
  Groups() {
    for (int group = 0; group < kGroups; ++group)
      add_parameter(std::to_string(group), Shape{kSize},
                    [group](RngKey, const Shape&, std::span<float> values) {
                      for (int i = 0; i < kSize; ++i)
                        values[static_cast<size_t>(i)] = static_cast<float>(initial(group, i));
                    });
  }
  Variable forward(const Variable& x, const nn::Context&) override { return x; }
};

class LrFactorsTest : public testing::Test {
 protected:
  // Of each slot: slots are in reverse order.
  const LrFactors factors{kFactors[2], kFactors[1], kFactors[0]};

  // The parameters in the order of their groups after kSteps steps.
  template <class Make>
  Numbers after_steps(double lr, const Make& make) {
    Groups groups;
    nn::ParameterSet set(groups, device(), 1);
    const std::unique_ptr<Optimizer> optimizer = make(set);
    for (int step = 1; step <= kSteps; ++step) {
      std::vector<float> gradients(static_cast<size_t>(set.gradients().elements()));
      for (const auto& slot : set.slots())
        for (int i = 0; i < kSize; ++i)
          gradients[static_cast<size_t>(slot.begin + i)] =
              static_cast<float>(gradient(std::stoi(slot.name), i, step));
      set.gradients().copy_from(from_vector(device(), set.gradients().shape(), gradients));
      optimizer->step(lr);
    }
    Numbers found;
    for (size_t slot = kGroups; slot-- > 0;)
      for (float value : set.part(set.values(), slot).to_vector<float>())
        found.push_back(static_cast<double>(value));
    return found;
  }

  static void expect_near(const Numbers& found, const Numbers& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6) << i;
  }

  // Compares with update(w, g, lr, step, state) applied to each group; state is two arrays of
  // zeros before the first step.
  template <class Update>
  static void expect_loop(const Numbers& found, double lr, const Update& update) {
    Numbers expected;
    for (int group = 0; group < kGroups; ++group) {
      Numbers w, state[2] = {Numbers(kSize), Numbers(kSize)};
      for (int i = 0; i < kSize; ++i) w.push_back(initial(group, i));
      for (int step = 1; step <= kSteps; ++step) {
        Numbers g;
        for (int i = 0; i < kSize; ++i) g.push_back(gradient(group, i, step));
        update(w, g, lr * kFactors[group], step, state);
      }
      expected.insert(expected.end(), w.begin(), w.end());
    }
    expect_near(found, expected);
  }
};

double norm(const Numbers& x) {
  double total = 0;
  for (double value : x) total += value * value;
  return std::sqrt(total);
}

// The numbers are those of PyTorch 2.15 in f64: torch.optim.SGD, Adam and AdamW with one group per
// parameter, whose lr is 0.1 times the factor, and weight_decay 0.05.
TEST_F(LrFactorsTest, SgdAsPyTorchsGroups) {
  expect_near(after_steps(0.1,
                          [&](nn::ParameterSet& set) {
                            return make_sgd(
                                set,
                                {.momentum = 0.9, .weight_decay = 0.05, .lr_factors = factors});
                          }),
              {0.699810607, 0.734085133, 0.414612107, -0.475222773, -0.933744861, -0.954141642,
               -1.072947844, 0.004065823, 1.14774023});
  expect_near(after_steps(0.1,
                          [&](nn::ParameterSet& set) {
                            return make_sgd(set, {.momentum = 0.9,
                                                  .weight_decay = 0.05,
                                                  .nesterov = true,
                                                  .lr_factors = factors});
                          }),
              {0.600627778, 0.69598739, 0.466615102, -0.465431979, -0.92844393, -0.957428442,
               -1.246002962, -0.117436971, 1.186116571});
}

TEST_F(LrFactorsTest, AdamAsPyTorchsGroups) {
  expect_near(after_steps(0.1,
                          [&](nn::ParameterSet& set) {
                            return make_adam(set, {.weight_decay = 0.05, .lr_factors = factors});
                          }),
              {0.810206972, 0.702604449, 0.397125539, -0.485395613, -0.933547439, -0.957377432,
               -0.937464366, -0.016716499, 1.274208294});
}

TEST_F(LrFactorsTest, AdamWAsPyTorchsGroups) {
  expect_near(after_steps(0.1,
                          [&](nn::ParameterSet& set) {
                            return make_adam(
                                set,
                                {.weight_decay = 0.05, .decoupled = true, .lr_factors = factors});
                          }),
              {0.809477769, 0.704355273, 0.395787713, -0.485312657, -0.933769691, -0.957134922,
               -0.933106513, -0.015983946, 1.267880452});
}

// The factor multiplies the rate that the norms give; where there is none, the rate of the step.
TEST_F(LrFactorsTest, Lars) {
  for (Decay decay : {Decay::all, Decay::weights}) {
    const bool adapts = decay == Decay::all;  // the parameters have one axis
    const double pull = adapts ? 0.1 : 0.0;
    expect_loop(after_steps(0.5,
                            [&](nn::ParameterSet& set) {
                              return make_lars(set, {.momentum = 0.9,
                                                     .weight_decay = 0.1,
                                                     .eta = 0.02,
                                                     .decay = decay,
                                                     .lr_factors = factors});
                            }),
                0.5, [&](Numbers& w, const Numbers& g, double lr, int, Numbers* state) {
                  const double ratio = adapts ? 0.02 * norm(w) / (norm(g) + pull * norm(w)) : 1;
                  for (size_t i = 0; i < w.size(); ++i) {
                    state[0][i] = 0.9 * state[0][i] + lr * ratio * (g[i] + pull * w[i]);
                    w[i] -= state[0][i];
                  }
                });
  }
}

TEST_F(LrFactorsTest, Lamb) {
  for (Decay decay : {Decay::all, Decay::weights}) {
    const bool adapts = decay == Decay::all;
    expect_loop(after_steps(0.05,
                            [&](nn::ParameterSet& set) {
                              return make_lamb(
                                  set,
                                  {.weight_decay = 0.1, .decay = decay, .lr_factors = factors});
                            }),
                0.05, [&](Numbers& w, const Numbers& g, double lr, int step, Numbers* state) {
                  Numbers u(w.size());
                  for (size_t i = 0; i < w.size(); ++i) {
                    double &mean = state[0][i], &square = state[1][i];
                    mean = 0.9 * mean + 0.1 * g[i];
                    square = 0.999 * square + 0.001 * g[i] * g[i];
                    u[i] = mean / (1 - std::pow(0.9, step)) /
                               (std::sqrt(square / (1 - std::pow(0.999, step))) + 1e-6) +
                           (adapts ? 0.1 : 0.0) * w[i];
                  }
                  const double ratio = adapts ? norm(w) / norm(u) : 1;
                  for (size_t i = 0; i < w.size(); ++i) w[i] -= lr * ratio * u[i];
                });
  }
}

using MakeWith = std::unique_ptr<Optimizer> (*)(nn::ParameterSet&, const LrFactors&);
const MakeWith kMakes[] = {
    [](nn::ParameterSet& set, const LrFactors& factors) {
      return make_sgd(set, {.momentum = 0.9, .weight_decay = 0.1, .lr_factors = factors});
    },
    [](nn::ParameterSet& set, const LrFactors& factors) {
      return make_adam(set, {.weight_decay = 0.1, .decoupled = true, .lr_factors = factors});
    },
    [](nn::ParameterSet& set, const LrFactors& factors) {
      return make_lars(set, {.weight_decay = 0.1, .lr_factors = factors});
    },
    [](nn::ParameterSet& set, const LrFactors& factors) {
      return make_lamb(set, {.weight_decay = 0.1, .lr_factors = factors});
    },
};

TEST_F(LrFactorsTest, FactorsOf1ChangeNoBit) {
  for (MakeWith make : kMakes) {
    const auto with = [&](const LrFactors& given) {
      return after_steps(0.1, [&](nn::ParameterSet& set) { return make(set, given); });
    };
    EXPECT_EQ(with({1, 1, 1}), with({}));
    EXPECT_NE(with({1, 1, 0.5}), with({}));
  }
}

TEST_F(LrFactorsTest, AFactorOf0KeepsTheParameter) {
  for (MakeWith make : kMakes) {
    const Numbers found = after_steps(0.1, [&](nn::ParameterSet& set) {
      return make(set, {1, 0, 1});
    });
    for (int i = 0; i < kGroups * kSize; ++i) {
      const auto start = static_cast<float>(initial(i / kSize, i % kSize));
      EXPECT_EQ(static_cast<float>(found[static_cast<size_t>(i)]) == start, i / kSize == 1) << i;
    }
  }
}

TEST(LrFactors, OnlyRangesOfEqualFactorsMerge) {
  nn::Sequential model;
  model.then<nn::Linear>(4, 4).then<nn::Linear>(4, 4);
  nn::ParameterSet set(model, device(), 1);  // 1.bias, 1.weight, 0.bias, 0.weight: 16 numbers each
  EXPECT_THAT(merged(ranges_per_slot(set, Decay::all, {2, 2, 0.5, 0.5})),
              ElementsAre(StepRange{.begin = 0, .end = 32, .lr = 2},
                          StepRange{.begin = 32, .end = 64, .lr = 0.5}));
  EXPECT_THAT(merged(ranges_per_slot(set, Decay::weights, {2, 2, 2, 2})),
              ElementsAre(StepRange{.begin = 0, .end = 16, .lr = 2, .weight_decay = 0},
                          StepRange{.begin = 16, .end = 32, .lr = 2},
                          StepRange{.begin = 32, .end = 48, .lr = 2, .weight_decay = 0},
                          StepRange{.begin = 48, .end = 64, .lr = 2}));
  set.freeze({"0.bias"});  // the factors are those of the slots, frozen ones included
  EXPECT_THAT(merged(ranges_per_slot(set, Decay::all, {2, 2, 7, 0.5})),
              ElementsAre(StepRange{.begin = 0, .end = 32, .lr = 2},
                          StepRange{.begin = 48, .end = 64, .lr = 0.5}));
}

TEST(LrFactors, RefusesOthers) {
  nn::Linear layer(3, 2);
  nn::ParameterSet set(layer, device(), 1);
  const auto found = [&](const LrFactors& given) {
    return message_of([&] { make_sgd(set, {.lr_factors = given}); });
  };
  EXPECT_THAT(found({1, 1, 1}), HasSubstr("for each of 2 parameters, found 3"));
  EXPECT_THAT(found({1, -1}), HasSubstr("of at least 0 on the learning rate, found -1"));
  EXPECT_THAT(found({1, INFINITY}), HasSubstr("found inf"));
}

}  // namespace
}  // namespace d2l
