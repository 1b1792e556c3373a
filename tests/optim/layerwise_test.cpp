// Compares LARS and LAMB with their papers' formulas, computed here in f64 for each parameter.

#include <cmath>

#include "tests/optim/linear_layer.h"

namespace d2l {
namespace {

using test::kSteps;
using Numbers = std::vector<double>;

double norm(const Numbers& x) {
  double total = 0;
  for (double value : x) total += value * value;
  return std::sqrt(total);
}

class LayerwiseTest : public test::LinearLayer {
 protected:
  // Compares with update(name, w, g, step, state), which changes w, a whole parameter; state is two
  // arrays of zeros before the first step.
  template <class Update>
  void expect(const std::vector<float>& before, const std::vector<float>& found, Update&& update) {
    for (const auto& slot : set.slots()) {
      const auto begin = static_cast<size_t>(slot.begin);
      const auto size = static_cast<size_t>(slot.shape.elements());
      Numbers w(before.begin() + slot.begin, before.begin() + slot.begin + slot.shape.elements());
      std::array<Numbers, 2> state{Numbers(size), Numbers(size)};
      for (int step = 1; step <= kSteps; ++step) {
        Numbers g(size);
        for (size_t i = 0; i < size; ++i) g[i] = gradient(begin + i, step);
        update(slot.name, w, g, step, state);
      }
      for (size_t i = 0; i < size; ++i)
        EXPECT_NEAR(static_cast<double>(found[begin + i]), w[i], 2e-6) << slot.name << " " << i;
      for (size_t i = begin + size; i < static_cast<size_t>(slot.end); ++i)
        EXPECT_EQ(found[i], 0) << "padding " << i;
    }
  }
};

TEST_F(LayerwiseTest, Lars) {
  const Tensor start = set.values().clone();
  for (Decay decay : {Decay::all, Decay::weights})
    for (bool nesterov : {false, true}) {
      set.values().copy_from(start);
      auto found = run(*make_lars(set, {.momentum = 0.9,
                                        .weight_decay = 0.1,
                                        .nesterov = nesterov,
                                        .eta = 0.02,
                                        .decay = decay}),
                       2);
      expect(start.to_vector<float>(), found,
             [&](const std::string& name, Numbers& w, const Numbers& g, int, auto& state) {
               const bool adapts = decay == Decay::all || name == "weight";
               const double pull = adapts ? 0.1 : 0;
               const double rate = 2 * (adapts ? 0.02 * norm(w) / (norm(g) + pull * norm(w)) : 1.0);
               for (size_t i = 0; i < w.size(); ++i) {
                 double slope = rate * (g[i] + pull * w[i]);
                 double& v = state[0][i];
                 v = 0.9 * v + slope;
                 w[i] -= nesterov ? slope + 0.9 * v : v;
               }
             });
    }
}

TEST_F(LayerwiseTest, Lamb) {
  const Tensor start = set.values().clone();
  for (Decay decay : {Decay::all, Decay::weights}) {
    set.values().copy_from(start);
    auto found = run(*make_lamb(set, {.weight_decay = 0.1, .decay = decay}), 0.05);
    expect(start.to_vector<float>(), found,
           [&](const std::string& name, Numbers& w, const Numbers& g, int step, auto& state) {
             const bool adapts = decay == Decay::all || name == "weight";
             Numbers u(w.size());
             for (size_t i = 0; i < w.size(); ++i) {
               double &m = state[0][i], &s = state[1][i];
               m = 0.9 * m + 0.1 * g[i];
               s = 0.999 * s + 0.001 * g[i] * g[i];
               u[i] = m / (1 - std::pow(0.9, step)) /
                          (std::sqrt(s / (1 - std::pow(0.999, step))) + 1e-6) +
                      (adapts ? 0.1 : 0.0) * w[i];
             }
             const double rate = 0.05 * (adapts ? norm(w) / norm(u) : 1.0);
             for (size_t i = 0; i < w.size(); ++i) w[i] -= rate * u[i];
           });
  }
}

// If a norm is 0, the learning rate is not scaled.
TEST_F(LayerwiseTest, ParametersThatAreZeroMoveOn) {
  for (bool lamb : {false, true}) {
    auto optimizer = lamb ? make_lamb(set, {}) : make_lars(set, {.momentum = 0});
    set.values().backend().fill(set.values().view(), 0);
    give(1);
    optimizer->step(0.5);
    const std::vector<float> found = set.values().to_vector<float>();
    for (size_t i : {0u, 1u}) {
      const double g = gradient(i, 1);
      EXPECT_NEAR(found[i], -0.5 * (lamb ? std::copysign(1.0, g) : g), 1e-5);
    }
  }
}

// A published property of LAMB: the step of a parameter has length lr times its norm.
TEST_F(LayerwiseTest, LambStepsInProportionToTheParameter) {
  const Tensor start = set.values().clone();
  auto optimizer = make_lamb(set, {});
  give(1);
  optimizer->step(0.01);
  for (size_t slot = 0; slot < 2; ++slot) {
    const auto before = set.part(start, slot).to_vector<float>();
    const auto after = set.part(set.values(), slot).to_vector<float>();
    Numbers w(before.begin(), before.end()), moved(w);
    for (size_t i = 0; i < w.size(); ++i) moved[i] -= static_cast<double>(after[i]);
    EXPECT_NEAR(norm(moved) / norm(w), 0.01, 1e-6);
  }
}

}  // namespace
}  // namespace d2l
