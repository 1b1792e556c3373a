// Compares the gradient of every differentiable function with central differences.

#include "tests/support/gradcheck.h"

#include "framework/autograd/convolution.h"
#include "framework/autograd/linear.h"
#include "framework/autograd/normalization.h"
#include "framework/autograd/softmax.h"

namespace d2l {
namespace {

using test::device;
using test::gradcheck;
using test::GradcheckFunction;
using test::GradcheckOptions;
using Inputs = const std::vector<Variable>&;

Tensor random(const Shape& shape, uint64_t stream = 0, double low = -1, double high = 1) {
  return uniform(device(), shape, {.seed = 7, .stream = stream}, low, high);
}

// Values at least 0.07 away from zero and from each other, unsorted; their number is not a multiple
// of 7.
Tensor apart(const Shape& shape) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  size_t count = values.size();
  for (size_t i = 0; i < count; ++i) {
    size_t place = i * 7 % count;
    values[i] = 0.15f * (static_cast<float>(place) - static_cast<float>(count / 2)) + 0.075f;
  }
  return from_vector(device(), shape, values);
}

constexpr Activation kActivations[] = {Activation::none, Activation::relu, Activation::sigmoid,
                                       Activation::tanh};

GradcheckOptions options_for(Activation activation) {
  return activation == Activation::relu ? GradcheckOptions{.step = 2e-3f, .kink = 0.02}
                                        : GradcheckOptions{};
}

TEST(GradcheckItself, FindsAWrongDerivative) {
  auto wrong = [](Inputs in) {
    const Variable& x = in[0];
    return Variable::result(x.value().clone(), {x}, [x](const Tensor& grad) {
      Tensor more(grad.backend(), grad.shape());
      more.copy_from(grad);
      std::vector<float> doubled = more.to_vector<float>();
      for (float& value : doubled) value *= 1.1f;
      x.contribute(from_vector(grad.backend(), grad.shape(), doubled));
    });
  };
  EXPECT_FALSE(gradcheck(wrong, {random({3})}));
}

TEST(GradcheckElementwise, SmoothUnary) {
  for (Unary op : {Unary::negate, Unary::exp, Unary::square, Unary::sin, Unary::cos, Unary::sigmoid,
                   Unary::tanh, Unary::gelu})
    EXPECT_TRUE(gradcheck([op](Inputs in) { return unary(op, in[0]); }, {random({3, 5})}))
        << static_cast<int>(op);
  for (Unary op : {Unary::log, Unary::sqrt, Unary::reciprocal})
    EXPECT_TRUE(
        gradcheck([op](Inputs in) { return unary(op, in[0]); }, {random({3, 5}, 1, 0.5, 2)}))
        << static_cast<int>(op);
}

TEST(GradcheckElementwise, UnaryWithKinks) {
  for (Unary op : {Unary::abs, Unary::relu})
    EXPECT_TRUE(gradcheck([op](Inputs in) { return unary(op, in[0]); }, {apart({3, 5})}))
        << static_cast<int>(op);
}

TEST(GradcheckElementwise, NamedFunctionsAreTheirFormulas) {
  Tensor positive = random({4}, 2, 0.5, 2);
  EXPECT_TRUE(
      gradcheck([](Inputs in) { return exp(log(in[0])) + sqrt(square(in[0])); }, {positive}));
  EXPECT_TRUE(
      gradcheck([](Inputs in) { return sin(in[0]) * cos(in[0]) + abs(in[0]); }, {positive}));
  EXPECT_TRUE(
      gradcheck([](Inputs in) { return relu(in[0]) + sigmoid(in[0]) - tanh(in[0]); }, {positive}));
  EXPECT_TRUE(gradcheck([](Inputs in) { return gelu(in[0]); }, {random({4}, 2, -3, 3)}));
}

struct BroadcastCase {
  Shape a, b;
};

TEST(GradcheckElementwise, BroadcastingArithmetic) {
  const BroadcastCase cases[] = {{{2, 3}, {2, 3}},    {{2, 3}, {3}},         {{3}, {2, 3}},
                                 {{2, 1}, {1, 3}},    {{2, 3}, {}},          {{}, {2, 3}},
                                 {{2, 1, 4}, {3, 1}}, {{1, 3, 1}, {2, 3, 2}}};
  for (const auto& [a, b] : cases) {
    std::vector<Tensor> in{random(a, 3), random(b, 4, 0.5, 2)};
    EXPECT_TRUE(gradcheck([](Inputs x) { return x[0] + x[1]; }, in)) << a << " + " << b;
    EXPECT_TRUE(gradcheck([](Inputs x) { return x[0] - x[1]; }, in)) << a << " - " << b;
    EXPECT_TRUE(gradcheck([](Inputs x) { return x[0] * x[1]; }, in)) << a << " * " << b;
    EXPECT_TRUE(gradcheck([](Inputs x) { return x[0] / x[1]; }, in)) << a << " / " << b;
  }
}

TEST(GradcheckElementwise, NumbersAndNegation) {
  EXPECT_TRUE(gradcheck([](Inputs x) { return -(2.0 * (x[0] * 3.0 - 1.0) / 4.0 + 5.0); },
                        {random({4}, 5)}));
  EXPECT_TRUE(gradcheck([](Inputs x) { return (1.0 - x[0]) * (2.0 + x[0]); }, {random({4}, 6)}));
}

TEST(GradcheckElementwise, OperandUsedTwice) {
  EXPECT_TRUE(
      gradcheck([](Inputs x) { return x[0] * x[0] - x[0] / (x[0] + 3.0); }, {random({5}, 7)}));
}

TEST(GradcheckElementwise, Dropout) {
  DropoutParams params{.p = 0.4, .key = {.seed = 1, .stream = 2}, .first_element = 13};
  EXPECT_TRUE(gradcheck([params](Inputs x) { return dropout(x[0], params); }, {random({4, 6}, 8)}));
}

TEST(GradcheckArrange, MovingElements) {
  Tensor x = random({2, 3, 4}, 9);
  EXPECT_TRUE(gradcheck([](Inputs in) { return square(reshape(in[0], {4, -1})); }, {x}));
  EXPECT_TRUE(gradcheck([](Inputs in) { return square(flatten(in[0])); }, {x}));
  EXPECT_TRUE(gradcheck([](Inputs in) { return square(transpose(in[0])); }, {x}));
  EXPECT_TRUE(gradcheck(
      [](Inputs in) {
        return get(in[0], {Index(), Index(1, 3), Index(-1)});
      },
      {x}));
  EXPECT_TRUE(gradcheck([](Inputs in) { return get(in[0], {1, Index(0, {}, 2)}); }, {x}));
  EXPECT_TRUE(gradcheck([](Inputs in) { return get(in[0], {0}) * get(in[0], {1}); }, {x}));
}

TEST(GradcheckArrange, Concat) {
  for (int axis : {0, 1, -1}) {
    Shape wider = Shape{2, 3, 2}.with_size(axis, 4);
    EXPECT_TRUE(gradcheck(
        [axis](Inputs in) {
          return square(concat({in[0], in[1], in[0]}, axis));
        },
        {random({2, 3, 2}, 10), random(wider, 11)}))
        << "axis " << axis;
  }
}

TEST(GradcheckArrange, SumsAndMeans) {
  Tensor x = random({2, 3, 4}, 12);
  const std::vector<std::vector<int>> choices{{}, {0}, {1}, {-1}, {0, 2}, {0, 1, 2}};
  for (const std::vector<int>& axes : choices)
    for (KeepDims keep : {KeepDims::no, KeepDims::yes}) {
      EXPECT_TRUE(gradcheck([&](Inputs in) { return square(sum(in[0], axes, keep)); }, {x}));
      EXPECT_TRUE(gradcheck([&](Inputs in) { return square(mean(in[0], axes, keep)); }, {x}));
    }
  for (int axis : {0, 1, -1})
    EXPECT_TRUE(gradcheck([axis](Inputs in) { return square(cumsum(in[0], axis)); }, {x}));
}

TEST(GradcheckLinear, Matmul) {
  auto product = [](Inputs in) { return matmul(in[0], in[1]); };
  EXPECT_TRUE(gradcheck(product, {random({3, 4}, 13), random({4, 5}, 14)}));
  EXPECT_TRUE(gradcheck(product, {random({2, 3, 4}, 15), random({2, 4, 2}, 16)}));
  EXPECT_TRUE(gradcheck([](Inputs in) { return matmul(in[0], in[0]); }, {random({3, 3}, 17)}));
}

TEST(GradcheckLinear, LinearWithEachActivation) {
  for (Activation activation : kActivations) {
    auto layer = [activation](Inputs in) {
      return linear(in[0], in[1], in.size() > 2 ? in[2] : Variable(), activation);
    };
    std::vector<Tensor> in{random({3, 4}, 18), random({5, 4}, 19)};
    EXPECT_TRUE(gradcheck(layer, in, options_for(activation))) << static_cast<int>(activation);
    in.push_back(random({5}, 20));
    EXPECT_TRUE(gradcheck(layer, in, options_for(activation))) << static_cast<int>(activation);
  }
}

TEST(GradcheckLinear, LinearOverTheLastAxisOfAnyRank) {
  for (const Shape& shape : {Shape{4}, Shape{2, 3, 4}, Shape{1, 2, 2, 4}})
    EXPECT_TRUE(gradcheck([](Inputs in) { return linear(in[0], in[1], in[2], Activation::tanh); },
                          {random(shape, 18), random({5, 4}, 19), random({5}, 20)}))
        << shape;
}

struct ConvCase {
  Shape x, weight;
  Conv2dParams params;
};

TEST(GradcheckConvolution, ShapesStridesPaddings) {
  const ConvCase cases[] = {
      {{1, 4, 4, 1}, {1, 3, 3, 1}, {}},
      {{2, 5, 4, 3}, {2, 2, 3, 3}, {}},
      {{2, 3, 3, 2}, {4, 1, 1, 2}, {}},
      {{1, 5, 6, 2}, {3, 3, 3, 2}, {.stride = {2, 2}, .padding = {1, 1}}},
      {{1, 6, 5, 1}, {2, 3, 2, 1}, {.stride = {3, 2}, .padding = {0, 1}}},
      {{2, 3, 3, 2}, {2, 5, 5, 2}, {.padding = {2, 2}}},
  };
  for (const ConvCase& c : cases) {
    auto layer = [&c](Inputs in) {
      return conv2d(in[0], in[1], in.size() > 2 ? in[2] : Variable(), c.params);
    };
    std::vector<Tensor> in{random(c.x, 21), random(c.weight, 22)};
    EXPECT_TRUE(gradcheck(layer, in)) << c.x << " " << c.weight;
    in.push_back(random({c.weight[0]}, 23));
    EXPECT_TRUE(gradcheck(layer, in)) << c.x << " " << c.weight << " with bias";
  }
}

TEST(GradcheckConvolution, Activations) {
  for (Activation activation : kActivations)
    EXPECT_TRUE(gradcheck(
        [activation](Inputs in) {
          return conv2d(in[0], in[1], in[2], {.padding = {1, 1}, .activation = activation});
        },
        {random({1, 4, 3, 2}, 24), random({3, 3, 3, 2}, 25), random({3}, 26)},
        options_for(activation)))
        << static_cast<int>(activation);
}

TEST(GradcheckConvolution, ConstantWeightStillTrainsBias) {
  Variable weight(random({2, 3, 3, 1}, 27));
  EXPECT_TRUE(gradcheck([&](Inputs in) { return conv2d(in[0], weight, in[1]); },
                        {random({2, 4, 4, 1}, 28), random({2}, 29)}));
}

TEST(GradcheckConvolution, Pooling) {
  const Pool2dParams shapes[] = {
      {},
      {.window = {3, 3}, .stride = {1, 2}},
      {.window = {3, 2}, .stride = {2, 1}, .padding = {1, 1}},
      {.window = {2, 2}, .stride = {3, 3}},
  };
  for (Pooling kind : {Pooling::max, Pooling::average})
    for (Pool2dParams params : shapes) {
      params.kind = kind;
      EXPECT_TRUE(
          gradcheck([params](Inputs in) { return pool2d(in[0], params); }, {apart({2, 5, 4, 3})}))
          << (kind == Pooling::max ? "max " : "average ") << params.window.height << " x "
          << params.window.width;
    }
}

TEST(GradcheckConvolution, PoolingRoundedUp) {
  for (const Pool2dParams& params :
       {Pool2dParams{.window = {3, 3}, .stride = {2, 2}, .ceil = true},
        Pool2dParams{.window = {2, 3}, .stride = {2, 3}, .padding = {1, 1}, .ceil = true}})
    EXPECT_TRUE(gradcheck([&](Inputs in) { return pool2d(in[0], params); }, {apart({2, 6, 4, 3})}));
}

// Only averages: a maximum over nearly equal sums has a kink.
TEST(GradcheckConvolution, PooledAsOne) {
  const Pool2dParams pool{.kind = Pooling::average};
  for (Activation activation : {Activation::none, Activation::sigmoid}) {
    const Conv2dParams conv{.padding = {1, 1}, .activation = activation};
    const Tensor x = random({2, 6, 4, 2}, 30), weight = random({3, 3, 3, 2}, 31);
    const Tensor bias = random({3}, 32);
    EXPECT_TRUE(gradcheck([&](Inputs in) { return conv2d_pool(in[0], in[1], in[2], conv, pool); },
                          {x, weight, bias}));
    // a constant input, as in a first layer; and a frozen kernel
    EXPECT_TRUE(
        gradcheck([&](Inputs in) { return conv2d_pool(Variable(x), in[0], in[1], conv, pool); },
                  {weight, bias}));
    EXPECT_TRUE(gradcheck(
        [&](Inputs in) { return conv2d_pool(in[0], Variable(weight), in[1], conv, pool); },
        {x, bias}));
  }
}

TEST(GradcheckNormalization, BatchNormTraining) {
  for (const Shape& shape : {Shape{6, 3}, Shape{2, 3, 2, 2}}) {
    int64_t channels = shape.size(-1);
    auto layer = [channels](Inputs in) {
      BatchNormState state{zeros(device(), {channels}), ones(device(), {channels})};
      return square(batch_norm({in[0], in[1], in[2]}, state));
    };
    EXPECT_TRUE(gradcheck(
        layer, {random(shape, 30), random({channels}, 31, 0.5, 1.5), random({channels}, 32)}))
        << shape;
  }
}

TEST(GradcheckNormalization, BatchNormWithRunningStatistics) {
  Tensor mean = random({3}, 38), variance = random({3}, 39, 0.5, 2);
  auto layer = [&](Inputs in) {
    BatchNormState state{mean, variance, 0.1, false};
    return square(batch_norm({in[0], in[1], in[2]}, state));
  };
  EXPECT_TRUE(
      gradcheck(layer, {random({2, 3, 2, 3}, 30), random({3}, 31, 0.5, 1.5), random({3}, 32)}));
}

TEST(GradcheckNormalization, LayerNorm) {
  for (const Shape& shape : {Shape{4, 5}, Shape{2, 3, 4}, Shape{7}}) {
    const Shape channels{shape.size(-1)};
    EXPECT_TRUE(gradcheck(
        [](Inputs in) { return square(layer_norm(in[0], in[1], in[2], {.epsilon = 0.1})); },
        {random(shape, 30), random(channels, 31, 0.5, 1.5), random(channels, 32)}))
        << shape;
  }
}

TEST(GradcheckSoftmax, SoftmaxAndLog) {
  Tensor x = random({3, 5}, 33, -2, 2);
  EXPECT_TRUE(gradcheck([](Inputs in) { return square(softmax(in[0])); }, {x},
                        {.relative = 1e-2, .absolute = 1e-3}));
  EXPECT_TRUE(gradcheck([](Inputs in) { return square(log_softmax(in[0])); }, {x}));
  EXPECT_TRUE(gradcheck([](Inputs in) { return square(softmax(in[0])); }, {random({2, 2, 3}, 34)}));
}

TEST(GradcheckSoftmax, CrossEntropy) {
  Tensor labels = from_vector<int64_t>(device(), {4}, {2, 0, 4, 2});
  for (double smoothing : {0.0, 0.3, 1.0})
    EXPECT_TRUE(gradcheck([&](Inputs in) { return cross_entropy(in[0], labels, smoothing).losses; },
                          {random({4, 5}, 35, -2, 2)}, {.relative = 1e-2, .absolute = 1e-3}));
}

TEST(GradcheckSoftmax, SquaredLoss) {
  Tensor target = random({3, 2}, 36);
  EXPECT_TRUE(gradcheck([&](Inputs in) { return squared_loss(in[0], target); },
                        {random({3, 2}, 37)}, {.relative = 1e-2, .absolute = 1e-3}));
}

}  // namespace
}  // namespace d2l
