#include "framework/nn/layers.h"

#include <gmock/gmock.h>

#include <cmath>

#include "framework/autograd/arrange.h"
#include "framework/nn/parameter_set.h"
#include "framework/tensor/arrange.h"
#include "framework/tensor/create.h"
#include "tests/support/support.h"

namespace d2l::nn {
namespace {

using test::close;
using test::device;
using test::message_of;
using testing::HasSubstr;

Tensor forward(Module& module, const Tensor& x, const Context& context = {}) {
  return module.forward(Variable(x), context).value();
}

Context training(int64_t first_sample = 0, uint64_t stream = 4) {
  return {.training = true, .rng = {.seed = 3, .stream = stream}, .first_sample = first_sample};
}

LayerInit fixed(float weight, float bias) {
  return {.weight = constant(weight), .bias = constant(bias)};
}

TEST(Layers, LinearAndActivation) {
  Linear layer(3, 2, Activation::relu, fixed(2, -10));
  Sequential net;
  net.then<Linear>(3, 2, Activation::relu, fixed(2, -10));
  ParameterSet set(net, device(), 1), own(layer, device(), 1);
  Tensor x = from_list(device(), {{1, 2, 3}, {0, 1, 1}});
  EXPECT_TRUE(close(forward(net, x), {2, 2, 0, 0}));
  EXPECT_TRUE(close(forward(layer, x), {2, 2, 0, 0}));
}

TEST(Layers, ConvolutionPoolingFlatten) {
  Sequential net;
  net.then<Conv2d>(1, 2, Conv2d::Options{.kernel = 3, .padding = 1, .init = fixed(1, 0.5)})
      .then<Pool2d>(Pooling::max, 2, 2)
      .then<Flatten>();
  ParameterSet set(net, device(), 1);
  // In the middle of 16 ones, a 3 x 3 window covers 9; every 2 x 2 window touches the middle.
  EXPECT_TRUE(close(forward(net, ones(device(), {1, 4, 4, 1})), std::vector<float>(8, 9.5f)));
  EXPECT_EQ(forward(net, ones(device(), {3, 6, 4, 1})).shape(), (Shape{3, 12}));
}

TEST(Layers, SequentialTakesLayers) {
  Sequential net(Flatten(), Linear(4, 3, Activation::relu), Linear(3, 2));
  const ParameterSet set(net, device(), 1);
  ASSERT_EQ(net.children().size(), 3u);
  EXPECT_EQ(net.children()[1].name, "1");
  EXPECT_EQ(net(ones(device(), {5, 2, 2, 1})).shape(), (Shape{5, 2}));
}

TEST(Layers, ActivateIsIdentityForNone) {
  Activate none(Activation::none), relu(Activation::relu);
  Tensor x = from_list(device(), {-1, 0, 2});
  EXPECT_TRUE(close(forward(none, x), {-1, 0, 2}));
  EXPECT_TRUE(close(forward(relu, x), {0, 0, 2}));
}

TEST(Dropout, MaskDoesNotDependOnHowTheBatchIsSplit) {
  Dropout layer(0.3);
  layer.set_path("dropout1");
  Tensor x = ones(device(), {7, 3, 5});
  Tensor whole = forward(layer, x, training());
  for (int64_t split = 1; split < 7; ++split) {
    Tensor left = forward(layer, x.rows(0, split), training());
    Tensor right = forward(layer, x.rows(split, 7), training(split));
    EXPECT_TRUE(close(concat({left, right}), whole, 0, 0)) << "split at " << split;
  }
}

TEST(Dropout, KeepsTheMeanAndTheRightShare) {
  Dropout layer(0.3);
  layer.set_path("dropout1");
  std::vector<float> y = forward(layer, ones(device(), {100, 200}), training()).to_vector<float>();
  double kept = 0;
  for (float value : y) {
    if (value == 0) continue;
    EXPECT_FLOAT_EQ(value, 1 / 0.7f);
    ++kept;
  }
  EXPECT_NEAR(kept / 20000, 0.7, 0.015);  // more than four standard deviations
}

TEST(Dropout, MaskDependsOnStepAndPath) {
  Dropout layer(0.5);
  layer.set_path("a");
  Tensor x = ones(device(), {8, 32});
  std::vector<float> mask = forward(layer, x, training()).to_vector<float>();
  EXPECT_EQ(forward(layer, x, training()).to_vector<float>(), mask);
  EXPECT_NE(forward(layer, x, training(0, 5)).to_vector<float>(), mask);
  layer.set_path("b");
  EXPECT_NE(forward(layer, x, training()).to_vector<float>(), mask);
}

TEST(Dropout, DoesNothingInEvaluation) {
  Dropout layer(0.9);
  Tensor x = arange(device(), 12).reshape({3, 4});
  EXPECT_TRUE(close(forward(layer, x), x, 0, 0));
}

class BatchNormLayer : public testing::Test {
 protected:
  BatchNorm layer{2};
  ParameterSet set{layer, device(), 1};
  Tensor x = from_list(device(), {{1, 10}, {2, 10}, {3, 40}, {6, 60}});  // means 3, 30; M2 14, 1800
};

TEST_F(BatchNormLayer, NormalisesTheBatch) {
  Tensor y = forward(layer, x, training());
  // Variances 14 / 4 and 1800 / 4.
  float a = std::sqrt(3.5f), b = std::sqrt(450.0f);
  EXPECT_TRUE(close(y, {-2 / a, -20 / b, -1 / a, -20 / b, 0, 10 / b, 3 / a, 30 / b}, 1e-4));
}

TEST_F(BatchNormLayer, RunningStatisticsTakeTheUnbiasedVariance) {
  forward(layer, x, training());
  EXPECT_TRUE(close(set.buffers(), {0.3f, 3, 0.9f + 14.0f / 30, 0.9f + 60}));
  forward(layer, x, training());
  EXPECT_TRUE(close(set.buffers(), {0.57f, 5.7f, 0.81f + 14.0f / 3 * 0.19f, 0.81f + 600 * 0.19f}));
}

TEST_F(BatchNormLayer, EvaluationUsesAndKeepsThem) {
  set.buffers().copy_from(from_list(device(), {1, 10, 4, 25}));
  layer.parameters()[0].second->variable.value().copy_from(from_list(device(), {2, 3}));
  layer.parameters()[1].second->variable.value().copy_from(from_list(device(), {0, 1}));
  EXPECT_TRUE(close(forward(layer, x), {0, 1, 1, 1, 2, 19, 5, 31}, 1e-4));
  EXPECT_TRUE(close(set.buffers(), {1, 10, 4, 25}, 0, 0));
  // One sample at a time is the same.
  EXPECT_TRUE(close(forward(layer, x.rows(2, 3)), {2, 19}, 1e-4));
}

// With only one frozen parameter it still trains and updates its statistics.
TEST_F(BatchNormLayer, FrozenItKeepsItsStatistics) {
  Sequential model;
  model.then<BatchNorm>(2).then<Linear>(2, 2);
  ParameterSet parameters(model, device(), 1);
  parameters.freeze({"0.bias"});
  forward(model, x, training());
  EXPECT_TRUE(close(parameters.buffers(), {0.3f, 3, 0.9f + 14.0f / 30, 0.9f + 60}));
  parameters.freeze({"0.weight"});
  const Tensor before = parameters.buffers().clone();
  EXPECT_TRUE(close(forward(model, x, training()), forward(model, x), 0, 0));
  EXPECT_TRUE(close(parameters.buffers(), before, 0, 0));
}

TEST_F(BatchNormLayer, EmptyBatchLeavesEverythingAlone) {
  Variable y = layer.forward(Variable(Tensor(device(), {0, 2})), training());
  EXPECT_EQ(y.shape(), (Shape{0, 2}));
  EXPECT_TRUE(close(set.buffers(), {0, 0, 1, 1}, 0, 0));
  sum(y).backward();
  EXPECT_TRUE(close(layer.parameters()[0].second->variable.grad(), {0, 0}));
}

TEST_F(BatchNormLayer, RefusesOtherChannels) {
  EXPECT_THAT(message_of([&] {
                forward(layer, ones(device(), {4, 3}), training());
              }),
              HasSubstr("[4, 3] has 3 channels"));
}

}  // namespace
}  // namespace d2l::nn
