#include "tests/backend/naive.h"

// Compares conv2d_pool with conv2d followed by pool2d, its definition.

namespace d2l::test {
namespace {

using naive::Array;

struct Case {
  int64_t batch, height, width, in, out, kernel, padding;
  Activation activation = Activation::sigmoid;
  Pooling pooling = Pooling::average;
  int64_t window = 2;
  bool bias = true;
};

naive::Doubles doubles(const std::vector<float>& values) { return {values.begin(), values.end()}; }

class ConvPool : public testing::TestWithParam<Case> {
 protected:
  Case c = GetParam();
  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  Conv2dParams conv{{1, 1}, {c.padding, c.padding}, c.activation};
  Pool2dParams pool{c.pooling, {c.window, c.window}, {2, 2}, {0, 0}};
  Shape middle_shape{c.batch, naive::out_size(c.height, c.kernel, 1, c.padding),
                     naive::out_size(c.width, c.kernel, 1, c.padding), c.out};
  Shape y_shape{c.batch, naive::out_size(middle_shape[1], c.window, 2, 0),
                naive::out_size(middle_shape[2], c.window, 2, 0), c.out};
  Array<float> x{*backend, {c.batch, c.height, c.width, c.in}};
  Array<float> weight{*backend, {c.out, c.kernel, c.kernel, c.in}}, bias{*backend, {c.out}};
  Array<float> middle{*backend, middle_shape}, y{*backend, y_shape}, grad_y{*backend, y_shape};
  Array<uint8_t> winners{*backend, y_shape};
  Array<float> grad_x{*backend, x.view().shape}, grad_weight{*backend, weight.view().shape};
  Array<float> grad_bias{*backend, {c.out}};

  void SetUp() override { x.random(1), weight.random(2), bias.random(3), grad_y.random(4); }
  Backend::ConvOperands operands() {
    return {x.view(), weight.view(), c.bias ? bias.view() : View{}};
  }
};

TEST_P(ConvPool, IsConvolutionThenPooling) {
  backend->conv2d(conv, operands(), middle.view());
  backend->pool2d(pool, middle.view(), y.view(), winners.view());
  Array<float> grad_middle(*backend, middle_shape);
  backend->pool2d_backward(pool, grad_y.view(), winners.view(), grad_middle.view());
  if (c.activation != Activation::none)
    backend->unary_backward(unary_of(c.activation), {}, middle.view(), grad_middle.view(),
                            grad_middle.view());
  backend->conv2d_backward_weight(conv, x.view(), grad_middle.view(), grad_weight.view(),
                                  c.bias ? grad_bias.view() : View{});
  backend->conv2d_backward_input(conv, grad_middle.view(), weight.view(), grad_x.view(), false);
  const naive::Doubles expected = doubles(y.values());
  const naive::Doubles expected_weight = doubles(grad_weight.values());
  const naive::Doubles expected_bias = doubles(grad_bias.values());
  const naive::Doubles expected_x = doubles(grad_x.values());

  for (bool input_gradient : {false, true}) {
    y.poison(), middle.poison(), grad_weight.poison(), grad_x.poison();
    ConvPoolParams params{conv, pool, input_gradient};
    backend->conv2d_pool(params, operands(), {middle.view(), winners.view()}, y.view());
    EXPECT_TRUE(naive::close(y.values(), expected, 1e-6));
    backend->conv2d_pool_backward(params, operands(), {middle.view(), winners.view()},
                                  grad_y.view(),
                                  {input_gradient ? grad_x.view() : View{}, grad_weight.view(),
                                   c.bias ? grad_bias.view() : View{}});
    EXPECT_TRUE(naive::close(grad_weight.values(), expected_weight, 1e-5));
    if (c.bias) {
      EXPECT_TRUE(naive::close(grad_bias.values(), expected_bias, 1e-5));
    }
    if (input_gradient) {
      EXPECT_TRUE(naive::close(grad_x.values(), expected_x, 1e-5));
    }
  }
}

TEST_P(ConvPool, SteadyStateAsksTheSystemForNothing) {
  auto step = [&] {
    ConvPoolParams params{conv, pool, false};
    backend->conv2d_pool(params, operands(), {middle.view(), winners.view()}, y.view());
    backend->conv2d_pool_backward(params, operands(), {middle.view(), winners.view()},
                                  grad_y.view(),
                                  {View{}, grad_weight.view(), c.bias ? grad_bias.view() : View{}});
  };
  step();
  uint64_t before = backend->pool().stats().system_allocations;
  for (int i = 0; i < 3; ++i) step();
  EXPECT_EQ(backend->pool().stats().system_allocations, before);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ConvPool,
    testing::Values(
        // LeNet's layers and similar ones
        Case{17, 28, 28, 1, 6, 5, 2}, Case{17, 14, 14, 6, 16, 5, 0},
        Case{1, 28, 28, 1, 6, 5, 2, Activation::none},
        Case{3, 28, 28, 1, 6, 5, 2, Activation::relu},
        Case{2, 28, 28, 1, 6, 5, 2, Activation::tanh, Pooling::average, 2, false},
        Case{3, 28, 28, 1, 8, 3, 1}, Case{3, 28, 28, 1, 1, 5, 2}, Case{5, 64, 60, 1, 3, 3, 1},
        Case{3, 28, 28, 1, 6, 5, 2, Activation::sigmoid, Pooling::max},
        Case{3, 28, 28, 1, 6, 5, 2, Activation::sigmoid, Pooling::average, 3},
        Case{3, 29, 27, 1, 6, 5, 2}, Case{2, 30, 30, 1, 5, 3, 0, Activation::tanh},
        Case{2, 14, 13, 6, 32, 3, 1, Activation::relu}, Case{2, 32, 30, 3, 16, 3, 1},
        Case{2, 14, 14, 6, 16, 5, 0, Activation::relu, Pooling::max},
        // a rank without samples
        Case{0, 28, 28, 1, 6, 5, 2}, Case{0, 14, 14, 6, 16, 5, 0},
        // others
        Case{2, 9, 11, 16, 20, 3, 1, Activation::relu, Pooling::max, 3},
        Case{1, 7, 7, 64, 64, 3, 1, Activation::none, Pooling::average}));

}  // namespace
}  // namespace d2l::test
