// Whole optimizers against the formulas, computed here in f64 for each element.

#include "framework/optim/optimizer.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>

#include "framework/nn/layers.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::cpu;
using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr int kSteps = 4;

class OptimizerTest : public testing::Test {
 protected:
  nn::Linear layer{3, 2};
  nn::ParameterSet set{layer, cpu(), 1};

  // Gradient of every element at a step.
  static double gradient(size_t i, int step) {
    return std::sin(static_cast<double>(i) + 1.7 * step);
  }
  // Sets the gradients, takes kSteps steps and answers the arena.
  std::vector<float> run(Optimizer& optimizer, double lr) {
    for (int step = 1; step <= kSteps; ++step) {
      give(step);
      optimizer.step(lr);
    }
    return set.values().to_vector<float>();
  }
  void give(int step) {
    for (const auto& slot : set.slots())
      for (int64_t i = slot.begin; i < slot.begin + slot.shape.elements(); ++i)
        set.gradients().data<float>()[i] =
            static_cast<float>(gradient(static_cast<size_t>(i), step));
  }
  // Compares with update(w, g, step, element) applied to each element on its own.
  template <class Update>
  void expect(const std::vector<float>& before, const std::vector<float>& found, Update&& update) {
    std::vector<bool> used(before.size(), false);
    for (const auto& slot : set.slots())
      for (int64_t i = slot.begin; i < slot.begin + slot.shape.elements(); ++i)
        used[static_cast<size_t>(i)] = true;
    for (size_t i = 0; i < before.size(); ++i) {
      double w = static_cast<double>(before[i]), state[2] = {0, 0};
      for (int step = 1; used[i] && step <= kSteps; ++step)
        update(w, gradient(i, step), step, state);
      EXPECT_NEAR(static_cast<double>(found[i]), w, 2e-6) << "element " << i;
      if (!used[i]) {
        EXPECT_EQ(found[i], 0) << "padding " << i;
      }
    }
  }
};

TEST_F(OptimizerTest, PlainSgd) {
  std::vector<float> before = set.values().to_vector<float>();
  auto found = run(*make_sgd(set, {}), 0.1);
  expect(before, found, [](double& w, double g, int, double*) { w -= 0.1 * g; });
}

TEST_F(OptimizerTest, SgdWithWeightDecay) {
  std::vector<float> before = set.values().to_vector<float>();
  auto found = run(*make_sgd(set, {.weight_decay = 0.3}), 0.1);
  expect(before, found, [](double& w, double g, int, double*) { w -= 0.1 * (g + 0.3 * w); });
}

TEST_F(OptimizerTest, SgdWithMomentum) {
  std::vector<float> before = set.values().to_vector<float>();
  auto found = run(*make_sgd(set, {.momentum = 0.9, .weight_decay = 0.1}), 0.1);
  expect(before, found, [](double& w, double g, int, double* v) {
    v[0] = 0.9 * v[0] + g + 0.1 * w;
    w -= 0.1 * v[0];
  });
}

TEST_F(OptimizerTest, Nesterov) {
  std::vector<float> before = set.values().to_vector<float>();
  auto found = run(*make_sgd(set, {.momentum = 0.9, .nesterov = true}), 0.1);
  expect(before, found, [](double& w, double g, int, double* v) {
    v[0] = 0.9 * v[0] + g;
    w -= 0.1 * (g + 0.9 * v[0]);
  });
}

void adam(double& w, double g, int step, double* state) {
  state[0] = 0.9 * state[0] + 0.1 * g;
  state[1] = 0.999 * state[1] + 0.001 * g * g;
  double mean = state[0] / (1 - std::pow(0.9, step));
  double square = state[1] / (1 - std::pow(0.999, step));
  w -= 0.05 * mean / (std::sqrt(square) + 1e-8);
}

TEST_F(OptimizerTest, Adam) {
  std::vector<float> before = set.values().to_vector<float>();
  auto found = run(*make_adam(set, {}), 0.05);
  expect(before, found, adam);
}

TEST_F(OptimizerTest, AdamWithWeightDecayInTheGradient) {
  std::vector<float> before = set.values().to_vector<float>();
  auto found = run(*make_adam(set, {.weight_decay = 0.2}), 0.05);
  expect(before, found,
         [](double& w, double g, int step, double* state) { adam(w, g + 0.2 * w, step, state); });
}

TEST_F(OptimizerTest, AdamWDecaysTheWeightItself) {
  std::vector<float> before = set.values().to_vector<float>();
  auto found = run(*make_adam(set, {.weight_decay = 0.2, .decoupled = true}), 0.05);
  expect(before, found, [](double& w, double g, int step, double* state) {
    w -= 0.05 * 0.2 * w;
    adam(w, g, step, state);
  });
}

// Keeps what it saw, or puts it back.
class Keeper : public StateVisitor {
 public:
  bool restoring = false;
  std::map<std::string, Tensor> tensors;
  std::map<std::string, int64_t> integers;
  std::vector<std::string> names;

  void tensor(const std::string& name, Tensor& value) override {
    names.push_back(name);
    if (restoring)
      value.copy_from(tensors.at(name));
    else
      tensors[name] = value.clone();
  }
  void integer(const std::string& name, int64_t& value) override {
    names.push_back(name);
    if (restoring)
      value = integers.at(name);
    else
      integers[name] = value;
  }
  void real(const std::string& name, double&) override { names.push_back(name); }
};

TEST_F(OptimizerTest, StateHasOnePiecePerParameter) {
  Keeper plain, momentum, adam_state;
  make_sgd(set, {})->visit(plain);
  make_sgd(set, {.momentum = 0.5})->visit(momentum);
  make_adam(set, {})->visit(adam_state);
  EXPECT_TRUE(plain.names.empty());
  EXPECT_THAT(momentum.names, ElementsAre("optimizer/velocity/bias", "optimizer/velocity/weight"));
  EXPECT_THAT(adam_state.names,
              ElementsAre("optimizer/steps", "optimizer/mean/bias", "optimizer/mean/weight",
                          "optimizer/square/bias", "optimizer/square/weight"));
}

// Stopping after some steps and going on in a new optimizer changes nothing.
TEST_F(OptimizerTest, ContinuesFromItsState) {
  using Make = std::unique_ptr<Optimizer> (*)(nn::ParameterSet&);
  const Make makes[] = {
      [](nn::ParameterSet& to) { return make_sgd(to, {.momentum = 0.9}); },
      [](nn::ParameterSet& to) { return make_adam(to, {}); },
  };
  for (Make make : makes) {
    Tensor start = set.values().clone();
    auto straight = make(set);
    run(*straight, 0.1);
    std::vector<float> expected = run(*straight, 0.1);

    set.values().copy_from(start);
    auto first = make(set);
    run(*first, 0.1);
    Keeper keeper;
    first->visit(keeper);
    auto second = make(set);
    keeper.restoring = true;
    second->visit(keeper);
    EXPECT_EQ(run(*second, 0.1), expected);
    set.values().copy_from(start);
  }
}

TEST_F(OptimizerTest, RefusesImpossibleOptions) {
  EXPECT_THAT(message_of([&] { make_sgd(set, {.momentum = 1}); }), HasSubstr("momentum"));
  EXPECT_THAT(message_of([&] { make_sgd(set, {.weight_decay = -1}); }), HasSubstr("weight decay"));
  EXPECT_THAT(message_of([&] { make_adam(set, {.beta2 = 1}); }), HasSubstr("betas"));
  EXPECT_THAT(message_of([&] { make_adam(set, {.epsilon = 0}); }), HasSubstr("epsilon"));
}

}  // namespace
}  // namespace d2l
