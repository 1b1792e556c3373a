#include "framework/optim/ema.h"

#include "framework/tensor/elementwise.h"
#include "tests/optim/linear_layer.h"

namespace d2l {
namespace {

using test::close;
using test::device;
using test::Keeper;
using test::message_of;
using testing::ElementsAre;
using testing::HasSubstr;

class EmaTest : public testing::Test {
 protected:
  EmaTest() { model.then<nn::Linear>(3, 2).then<nn::BatchNorm>(2); }

  // Sets every value and statistic to `step`, as step number `step` would.
  void move(int step) {
    device().fill(set().values().view(), step);
    device().fill(set().buffers().view(), step);
  }
  nn::ParameterSet& set() {
    if (!set_) set_.emplace(model, device(), 1);
    return *set_;
  }

  nn::Sequential model;
  std::optional<nn::ParameterSet> set_;
};

TEST_F(EmaTest, AveragesValuesAndBuffers) {
  const std::vector<double> start = set().values().to_vector<double>();
  const std::vector<double> buffers = set().buffers().to_vector<double>();
  Ema ema(set(), 0.3);
  // Below the decay in the first two steps.
  const double decays[] = {2.0 / 11, 3.0 / 12, 0.3, 0.3};
  double factor = 1, sum = 0;
  for (int step = 1; step <= 4; ++step) {
    move(step);
    ema.update(step);
    factor *= decays[step - 1];
    sum = decays[step - 1] * sum + (1 - decays[step - 1]) * step;
  }
  {
    Ema::InUse averages(ema);
    const auto values = set().values().to_vector<double>();
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(values[i], factor * start[i] + sum, 1e-5) << i;
    const auto statistics = set().buffers().to_vector<double>();
    for (size_t i = 0; i < statistics.size(); ++i)
      EXPECT_NEAR(statistics[i], factor * buffers[i] + sum, 1e-5) << i;
    averages.end();
    EXPECT_EQ(set().values().to_vector<float>().front(), 4);
  }
  for (float value : set().values().to_vector<float>()) EXPECT_EQ(value, 4);
  for (float value : set().buffers().to_vector<float>()) EXPECT_EQ(value, 4);
}

TEST_F(EmaTest, ContinuesFromItsState) {
  Ema ema(set(), 0.9), other(set(), 0.9);
  move(1);
  ema.update(1);
  Keeper keeper;
  ema.visit(keeper);
  EXPECT_THAT(keeper.names, ElementsAre("ema/parameters/1.bias", "ema/parameters/1.weight",
                                        "ema/parameters/0.bias", "ema/parameters/0.weight",
                                        "ema/buffers/1.running_mean", "ema/buffers/1.running_var"));
  keeper.restoring = true;
  other.visit(keeper);
  move(2);
  ema.update(2);
  other.update(2);
  Tensor expected;
  {
    Ema::InUse averages(ema);
    expected = set().values().clone();
  }
  Ema::InUse averages(other);
  for (size_t i = 0; i < set().slots().size(); ++i)
    EXPECT_TRUE(close(set().part(set().values(), i), set().part(expected, i), 0, 0));
}

TEST_F(EmaTest, WhatDoesNotChangeKeepsItsBits) {
  const Tensor values = set().values().clone(), buffers = set().buffers().clone();
  for (double decay : {0.9999, 0.999, 0.7, 0.1}) {
    Ema ema(set(), decay);
    for (int step = 1; step <= 2000; ++step) ema.update(90000 + step);
    Ema::InUse averages(ema);
    EXPECT_TRUE(close(set().values(), values, 0, 0)) << decay;
    EXPECT_TRUE(close(set().buffers(), buffers, 0, 0)) << decay;
    averages.end();
  }
}

TEST_F(EmaTest, RefusesImpossibleDecays) {
  for (double decay : {-0.5, 0.0, 1.0})
    EXPECT_THAT(message_of([&] { Ema(set(), decay); }), HasSubstr("ema: expected a decay"));
}

}  // namespace
}  // namespace d2l
