// Compares whole optimizers with the formulas, computed here in f64 for each element.

#include "tests/optim/linear_layer.h"

namespace d2l {
namespace {

using test::Keeper;
using test::kSteps;
using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

class OptimizerTest : public test::LinearLayer {
 protected:
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

// Biases do not decay.
TEST_F(OptimizerTest, DecayOfWeightsOnly) {
  for (bool adam_like : {false, true}) {
    auto make = [&](double weight_decay, Decay decay) {
      if (adam_like) return make_adam(set, {.weight_decay = weight_decay, .decay = decay});
      return make_sgd(set, {.momentum = 0.9, .weight_decay = weight_decay, .decay = decay});
    };
    const Tensor start = set.values().clone();
    auto found_with = [&](double weight_decay, Decay decay) {
      set.values().copy_from(start);
      return run(*make(weight_decay, decay), 0.1);
    };
    const auto none = found_with(0, Decay::all), all = found_with(0.3, Decay::all),
               weights = found_with(0.3, Decay::weights);
    for (const auto& slot : set.slots())
      for (auto i = static_cast<size_t>(slot.begin);
           i < static_cast<size_t>(slot.begin + slot.shape.elements()); ++i) {
        EXPECT_EQ(weights[i], slot.name == "weight" ? all[i] : none[i]) << slot.name;
        EXPECT_NE(none[i], all[i]);
      }
    set.values().copy_from(start);
  }
}

TEST(StepRanges, MergeWhatIsTreatedAlike) {
  nn::Sequential model;
  model.then<nn::Linear>(4, 4).then<nn::Linear>(4, 4).then<nn::Linear>(4, 4);
  nn::ParameterSet set(model, test::device(), 1);  // 2.bias, 2.weight, 1.bias, ...: 16 numbers each
  const StepRange whole{.begin = 0, .end = 96};
  EXPECT_THAT(merged(ranges_per_slot(set, Decay::all)), ElementsAre(whole));
  EXPECT_EQ(ranges_per_slot(set, Decay::all).size(), 6u);
  set.freeze({"1.*"});
  EXPECT_THAT(merged(ranges_per_slot(set, Decay::all)),
              ElementsAre(StepRange{.begin = 0, .end = 32}, StepRange{.begin = 64, .end = 96}));
  EXPECT_THAT(merged(ranges_per_slot(set, Decay::weights)),
              ElementsAre(StepRange{.begin = 0, .end = 16, .weight_decay = 0},
                          StepRange{.begin = 16, .end = 32},
                          StepRange{.begin = 64, .end = 80, .weight_decay = 0},
                          StepRange{.begin = 80, .end = 96}));
}

TEST_F(OptimizerTest, StateHasOnePiecePerParameter) {
  Keeper plain, momentum, adam_state, lars, lamb;
  make_sgd(set, {})->visit(plain);
  make_sgd(set, {.momentum = 0.5})->visit(momentum);
  make_adam(set, {})->visit(adam_state);
  make_lars(set, {})->visit(lars);
  make_lamb(set, {})->visit(lamb);
  EXPECT_EQ(lars.names, momentum.names);
  EXPECT_EQ(lamb.names, adam_state.names);
  EXPECT_TRUE(plain.names.empty());
  EXPECT_THAT(momentum.names, ElementsAre("optimizer/velocity/bias", "optimizer/velocity/weight"));
  EXPECT_THAT(adam_state.names,
              ElementsAre("optimizer/steps", "optimizer/mean/bias", "optimizer/mean/weight",
                          "optimizer/square/bias", "optimizer/square/weight"));
}

// Stopping after some steps and continuing with a new optimizer changes nothing.
TEST_F(OptimizerTest, ContinuesFromItsState) {
  using Make = std::unique_ptr<Optimizer> (*)(nn::ParameterSet&);
  const Make makes[] = {
      [](nn::ParameterSet& to) { return make_sgd(to, {.momentum = 0.9}); },
      [](nn::ParameterSet& to) { return make_adam(to, {}); },
      [](nn::ParameterSet& to) { return make_lars(to, {.weight_decay = 0.1}); },
      [](nn::ParameterSet& to) { return make_lamb(to, {.weight_decay = 0.1}); },
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

TEST_F(OptimizerTest, FrozenParametersStay) {
  using Make = std::unique_ptr<Optimizer> (*)(nn::ParameterSet&);
  const Make makes[] = {
      [](nn::ParameterSet& to) { return make_sgd(to, {.weight_decay = 0.1}); },
      [](nn::ParameterSet& to) { return make_adam(to, {.weight_decay = 0.1}); },
      [](nn::ParameterSet& to) { return make_lars(to, {.weight_decay = 0.1}); },
      [](nn::ParameterSet& to) { return make_lamb(to, {.weight_decay = 0.1}); },
  };
  set.freeze({"weight"});
  for (Make make : makes) {
    const auto bias = set.part(set.values(), 0).to_vector<float>(),
               weight = set.part(set.values(), 1).to_vector<float>();
    run(*make(set), 0.1);
    EXPECT_NE(set.part(set.values(), 0).to_vector<float>(), bias);
    EXPECT_EQ(set.part(set.values(), 1).to_vector<float>(), weight);
  }
}

// As in PyTorch, where a parameter without gradients has a state only after its first step. Also if
// the optimizer is saved and made anew while the parameter is frozen, or after that.
TEST_F(OptimizerTest, TheFirstStepOfAParameterIsThatAfterItWasUnfrozen) {
  using Make = std::unique_ptr<Optimizer> (*)(nn::ParameterSet&);
  const Make makes[] = {
      [](nn::ParameterSet& to) { return make_sgd(to, {.momentum = 0.9, .weight_decay = 0.1}); },
      [](nn::ParameterSet& to) { return make_adam(to, {.weight_decay = 0.1}); },
      [](nn::ParameterSet& to) { return make_lars(to, {.weight_decay = 0.1}); },
      [](nn::ParameterSet& to) { return make_lamb(to, {.weight_decay = 0.1}); },
  };
  const Tensor start = set.values().clone();
  const auto part = [&](size_t i) { return set.part(set.values(), i).to_vector<float>(); };
  for (Make make : makes) {
    set.values().copy_from(start);
    run(*make(set), 0.1);
    const std::vector<float> weight = part(1);  // after kSteps steps from the start

    for (const bool renewed : {false, true}) {
      set.values().copy_from(start);
      auto bias_only = make(set);
      run(*bias_only, 0.1);
      run(*bias_only, 0.1);
      const std::vector<float> bias = part(0);  // after 2 kSteps

      set.values().copy_from(start);
      set.freeze({"weight"});
      auto optimizer = make(set);
      const auto renew = [&] {
        if (!renewed) return;
        Keeper keeper;
        optimizer->visit(keeper);
        optimizer = make(set);
        keeper.restoring = true;
        optimizer->visit(keeper);
      };
      run(*optimizer, 0.1);
      renew();
      set.unfreeze();
      optimizer->follow_freezing();
      renew();
      run(*optimizer, 0.1);
      EXPECT_EQ(part(0), bias);
      EXPECT_EQ(part(1), weight);
    }
  }
  set.values().copy_from(start);
}

TEST_F(OptimizerTest, CountsTheStepsInWhichAParameterWasFrozen) {
  set.freeze({"weight"});
  for (const auto& optimizer : {make_adam(set, {}).release(), make_lamb(set, {}).release()}) {
    const std::unique_ptr<Optimizer> owner(optimizer);
    run(*optimizer, 0.1);
    Keeper keeper;
    optimizer->visit(keeper);
    EXPECT_EQ(keeper.integers,
              (std::map<std::string, int64_t>{{"optimizer/steps", kSteps},
                                              {"optimizer/missed_steps/weight", kSteps}}));
  }
}

TEST_F(OptimizerTest, RefusesImpossibleOptions) {
  EXPECT_THAT(message_of([&] { make_sgd(set, {.momentum = 1}); }), HasSubstr("momentum"));
  EXPECT_THAT(message_of([&] { make_sgd(set, {.weight_decay = -1}); }), HasSubstr("weight decay"));
  EXPECT_THAT(message_of([&] { make_adam(set, {.beta2 = 1}); }), HasSubstr("betas"));
  EXPECT_THAT(message_of([&] { make_adam(set, {.epsilon = 0}); }), HasSubstr("epsilon"));
  EXPECT_THAT(message_of([&] { make_lars(set, {.eta = 0}); }), HasSubstr("lars: eta"));
  EXPECT_THAT(message_of([&] { make_lamb(set, {.beta1 = -1}); }), HasSubstr("lamb: the betas"));
}

}  // namespace
}  // namespace d2l
