#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "framework/autograd/attention.h"
#include "framework/autograd/convolution.h"
#include "framework/autograd/linear.h"
#include "framework/autograd/normalization.h"
#include "framework/backend/profiler.h"
#include "framework/base/scope.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "framework/tensor/linalg.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::device;

int64_t multiply_adds(const Profiler& profiler, const std::string& operation) {
  int64_t sum = 0;
  for (const Cost& cost : profiler.costs())
    if (cost.operation == operation) sum += cost.multiply_adds;
  return sum;
}

int64_t bytes(const Profiler& profiler, const std::string& operation) {
  int64_t sum = 0;
  for (const Cost& cost : profiler.costs())
    if (cost.operation == operation) sum += cost.bytes;
  return sum;
}

Variable leaf(Backend& backend, const Shape& shape) {
  return Variable(uniform(backend, shape, {.seed = 4}), true);
}

TEST(Profiler, CountsMultiplyAddsOfConvolutions) {
  Backend& backend = device();
  Profiler profiler(backend);
  Variable x = leaf(backend, {2, 9, 7, 3}), weight = leaf(backend, {4, 3, 3, 3});
  Variable y = conv2d(x, weight, {}, {.stride = {2, 2}, .padding = {1, 1}});  // [2, 5, 4, 4]
  constexpr int64_t kOnce = 2 * 5 * 4 * 4 * 3 * 3 * 3;
  EXPECT_EQ(multiply_adds(profiler, "conv2d"), kOnce);
  y.backward(ones(backend, y.shape()));
  EXPECT_EQ(multiply_adds(profiler, "conv2d_backward_input"), kOnce);
  EXPECT_EQ(multiply_adds(profiler, "conv2d_backward_weight"), kOnce);
}

// With and without a gradient of the images.
TEST(Profiler, CountsMultiplyAddsOfConvolutionsWithPooling) {
  constexpr int64_t kOnce = 2 * 6 * 4 * 4 * 3 * 3;
  for (const bool input_gradient : {false, true}) {
    Backend& backend = device();
    Profiler profiler(backend);
    Variable x(uniform(backend, {2, 8, 6, 1}, {.seed = 1}), input_gradient);
    Variable y = conv2d_pool(x, leaf(backend, {4, 3, 3, 1}), {}, {}, {});
    EXPECT_EQ(y.shape(), (Shape{2, 3, 2, 4}));
    EXPECT_EQ(multiply_adds(profiler, "conv2d_pool"), kOnce);
    EXPECT_EQ(multiply_adds(profiler, "conv2d"), 0);
    y.backward(ones(backend, y.shape()));
    EXPECT_EQ(multiply_adds(profiler, "conv2d_pool_backward"), (input_gradient ? 2 : 1) * kOnce);
  }
}

TEST(Profiler, CountsMultiplyAddsOfProducts) {
  Backend& backend = device();
  Profiler profiler(backend);
  Variable x = leaf(backend, {5, 3}), weight = leaf(backend, {7, 3});
  Variable y = linear(x, weight);
  EXPECT_EQ(multiply_adds(profiler, "matmul"), 5 * 3 * 7);
  y.backward(ones(backend, {5, 7}));
  EXPECT_EQ(multiply_adds(profiler, "matmul"), 3 * 5 * 3 * 7);
  profiler.reset();
  EXPECT_TRUE(profiler.costs().empty());
  matmul(uniform(backend, {2, 3, 4}, {.seed = 1}), uniform(backend, {2, 4, 5}, {.seed = 2}));
  EXPECT_EQ(multiply_adds(profiler, "matmul"), 2 * 3 * 4 * 5);
}

TEST(Profiler, CountsMultiplyAddsOfAttention) {
  Backend& backend = device();
  Profiler profiler(backend);
  Variable queries = leaf(backend, {2, 3, 8}), keys = leaf(backend, {2, 5, 8}),
           values = leaf(backend, {2, 5, 6});
  Variable y = attention(queries, keys, values, {.heads = 2});
  EXPECT_EQ(multiply_adds(profiler, "attention"), 2 * 3 * 5 * (8 + 6));
  y.backward(ones(backend, y.shape()));
  EXPECT_EQ(multiply_adds(profiler, "attention_backward"), 2 * 2 * 3 * 5 * (8 + 6));
}

TEST(Profiler, CountsBytesOfLinearLayers) {
  Backend& backend = device();
  Profiler profiler(backend);
  Variable x = leaf(backend, {5, 3}), weight = leaf(backend, {7, 3}), bias = leaf(backend, {7});
  Variable y = linear(x, weight, bias);
  EXPECT_EQ(bytes(profiler, "matmul"), 4 * (5 * 3 + 7 * 3 + 7 + 5 * 7));
  y.backward(ones(backend, {5, 7}));
  EXPECT_EQ(bytes(profiler, "matmul"), 4 * (3 * (5 * 3 + 7 * 3 + 5 * 7) + 7));
}

// Images and results in 16 bits, weights and their gradients in 32.
TEST(Profiler, CountsBytesOfConvolutions) {
  constexpr int64_t kImages = 2 * 9 * 7 * 3, kWeights = 4 * 3 * 3 * 3, kResults = 2 * 5 * 4 * 4;
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const std::unique_ptr<Backend> dry = make_dry_backend();
    Backend& backend = *dry;
    Profiler profiler(backend);
    const int64_t size = dtype == DType::f32 ? 4 : 2;
    const Conv2dParams params{.stride = {2, 2}, .padding = {1, 1}};
    const Tensor x(backend, {2, 9, 7, 3}, dtype), y(backend, {2, 5, 4, 4}, dtype);
    const Tensor weight(backend, {4, 3, 3, 3}), bias(backend, {4});
    Tensor out = y, grad_x = x, grad_weight = weight, grad_bias = bias;
    backend.conv2d(params, {x.view(), weight.view(), bias.view()}, out.view());
    EXPECT_EQ(bytes(profiler, "conv2d"), size * (kImages + kResults) + 4 * (kWeights + 4));
    backend.conv2d_backward_input(params, y.view(), weight.view(), grad_x.view(), false);
    EXPECT_EQ(bytes(profiler, "conv2d_backward_input"), size * (kImages + kResults) + 4 * kWeights);
    backend.conv2d_backward_input(params, y.view(), weight.view(), grad_x.view(), true);
    EXPECT_EQ(bytes(profiler, "conv2d_backward_input"),
              size * (3 * kImages + 2 * kResults) + 2 * 4 * kWeights);
    backend.conv2d_backward_weight(params, x.view(), y.view(), grad_weight.view(),
                                   grad_bias.view());
    EXPECT_EQ(bytes(profiler, "conv2d_backward_weight"),
              size * (kImages + kResults) + 4 * (kWeights + 4));
  }
}

// The convolution itself adds the second gradient of an input.
TEST(Profiler, ConvolutionsAddToGradients) {
  Backend& backend = device();
  Profiler profiler(backend);
  const Shape shape{2, 7, 6, 8};
  Variable x = leaf(backend, shape), first = leaf(backend, shape), second = leaf(backend, shape);
  const Variable wide = leaf(backend, {4, 3, 3, 8}).detach();
  const Variable narrow = leaf(backend, {16, 1, 1, 8}).detach();
  const auto pass = [&](const Variable& into, const Variable& weight) {
    Variable y = conv2d(into, weight);
    y.backward(ones(backend, y.shape()));
  };
  pass(first, wide);
  pass(second, narrow);
  const Tensor wanted = first.grad() + second.grad();
  profiler.reset();
  pass(x, wide);
  pass(x, narrow);
  EXPECT_TRUE(test::close(x.grad(), wanted));
  const int64_t images = shape.elements(), results = 2 * (5 * 4 * 4 + 7 * 6 * 16);
  EXPECT_EQ(bytes(profiler, "conv2d_backward_input"),
            4 * (3 * images + results + wide.value().elements() + narrow.value().elements()));
  EXPECT_EQ(bytes(profiler, "binary"), 0);
}

// A step of batch norm with a residual and a ReLU: x four times, the residual, y, y again or its
// mask twice, the gradient of y, the gradient before the ReLU twice, and the gradient of x; the
// rest is small.
TEST(Profiler, CountsBytesOfBatchNorm) {
  Backend& backend = device();
  Profiler profiler(backend);
  constexpr int64_t kElements = 4 * 10 * 10 * 64, kSmall = 4 * 64 * 30;
  Variable x = leaf(backend, {4, 10, 10, 64}), residual = leaf(backend, {4, 10, 10, 64});
  Variable gamma = leaf(backend, {64}), beta = leaf(backend, {64});
  const Backend::NormOperands in{x.value().view(), gamma.value().view(), beta.value().view(),
                                 residual.value().view()};
  const BatchNormParams params{.activation = Activation::relu};
  const int64_t mask = backend.batch_norm_mask_bytes(params, in);
  BatchNormState state{zeros(backend, {64}), ones(backend, {64})};
  Tensor seed = ones(backend, x.shape());
  profiler.reset();
  Variable y = batch_norm({x, gamma, beta, residual}, state, params);
  y.backward(seed);
  int64_t moved = 0;
  for (const Cost& cost : profiler.costs())
    if (cost.work == Work::normalisation) moved += cost.bytes;
  const int64_t expected = 4 * (mask > 0 ? 10 : 11) * kElements + 2 * mask;
  EXPECT_GE(moved, expected);
  EXPECT_LT(moved, expected + kSmall);
}

TEST(Profiler, CountsBytesOfCopiesAndElements) {
  Backend& backend = device();
  Profiler profiler(backend);
  Tensor x = uniform(backend, {6, 10}, {.seed = 1}), y = uniform(backend, {6, 10}, {.seed = 2});
  const Tensor row = uniform(backend, {10}, {.seed = 3});
  profiler.reset();
  backend.binary(Binary::mul, x.view(), row.view(), y.view());
  EXPECT_EQ(bytes(profiler, "binary"), 4 * (60 + 10 + 60));
  profiler.reset();
  backend.binary(Binary::mul, x.view(), x.view(), x.view());  // one operand, in place
  EXPECT_EQ(bytes(profiler, "binary"), 4 * (60 + 60));
  backend.axpby(2, x.view(), 0, y.view());
  EXPECT_EQ(bytes(profiler, "axpby"), 4 * 2 * 60);
  backend.axpby(2, x.view(), 1, y.view());
  EXPECT_EQ(bytes(profiler, "axpby"), 4 * (2 + 3) * 60);
  const ConstStridedView repeated{row.view().data, DType::f32, {6, 10}, {0, 1}};
  backend.copy(repeated, strided(y.view()), false);
  EXPECT_EQ(bytes(profiler, "copy"), 4 * (10 + 60));
  backend.copy(repeated, strided(y.view()), true);
  EXPECT_EQ(bytes(profiler, "copy"), 4 * (10 + 60 + 10 + 2 * 60));
}

// Counts only the indexed rows and the ranges of a step.
TEST(Profiler, CountsBytesOfParts) {
  Backend& backend = device();
  Profiler profiler(backend);
  Tensor table = uniform(backend, {100, 8}, {.seed = 1}), rows(backend, {3, 8});
  const Tensor indices = from_vector(backend, {3}, std::vector<int64_t>{5, 7, 99});
  backend.gather_rows(table.view(), indices.view(), rows.view());
  EXPECT_EQ(bytes(profiler, "gather_rows"), 3 * 8 + 2 * 4 * 3 * 8);
  backend.scatter_add_rows(rows.view(), indices.view(), table.view());
  EXPECT_EQ(bytes(profiler, "scatter_add_rows"), 3 * 8 + 3 * 4 * 3 * 8);
  Tensor value = uniform(backend, {100}, {.seed = 1}), velocity = uniform(backend, {100}, {});
  const Tensor gradient = uniform(backend, {100}, {.seed = 2});
  const std::vector<StepRange> ranges = {{.begin = 10, .end = 20}, {.begin = 50, .end = 80}};
  backend.sgd_step({.ranges = ranges}, gradient.view(), value.view(), {});
  EXPECT_EQ(bytes(profiler, "sgd_step"), 40 * 4 * 3);
  profiler.reset();
  backend.sgd_step({.momentum = 0.9}, gradient.view(), value.view(), velocity.view());
  EXPECT_EQ(bytes(profiler, "sgd_step"), 100 * 4 * 5);
}

// Compares each operation with its own limit, not only the sums.
TEST(Profiler, ComparesWithLimits) {
  Backend& backend = device();
  Profiler profiler(backend);
  const Tensor x = uniform(backend, {4, 4}, {.seed = 1}), y = uniform(backend, {4, 4}, {.seed = 2});
  const Tensor long_row = uniform(backend, {1, 64}, {.seed = 3}),
               one = uniform(backend, {1, 1}, {});
  profiler.reset();
  matmul(x, y);
  EXPECT_EQ(profiler.costs()[0].least_seconds, 0);
  profiler.reset();
  profiler.set_limits({.multiply_adds_per_second = {{DType::f32, 1}}, .bytes_per_second = 4});
  matmul(x, y);  // 64 s of products, 48 s of memory
  EXPECT_DOUBLE_EQ(profiler.costs()[0].least_seconds, 64);
  matmul(one, long_row);  // 64 s of products, 129 s of memory
  EXPECT_DOUBLE_EQ(profiler.costs()[0].least_seconds, 64 + 129);
  profiler.set_limits({.multiply_adds_per_second = {{DType::bf16, 1}}, .bytes_per_second = 4});
  profiler.reset();
  matmul(x, y);
  EXPECT_DOUBLE_EQ(profiler.costs()[0].least_seconds, 48);
}

TEST(Profiler, HandsOnWithoutCounting) {
  Backend& backend = device();
  Profiler profiler(backend);
  Tensor x = ones(backend, {3});
  profiler.reset();
  profiler.set_counting(false);
  backend.fill(x.view(), 7);
  EXPECT_TRUE(profiler.costs().empty());
  EXPECT_EQ(x.to_vector<float>(), std::vector<float>(3, 7));
  profiler.set_counting(true);
  backend.fill(x.view(), 8);
  EXPECT_EQ(profiler.costs().size(), 1u);
}

TEST(Profiler, EmptyBatchesCostNothing) {
  Backend& backend = device();
  Profiler profiler(backend);
  Variable x = leaf(backend, {0, 9, 7, 3}), weight = leaf(backend, {4, 3, 3, 3});
  Variable y = conv2d(x, weight);
  y.backward(Tensor(backend, y.shape()));
  for (const Cost& cost : profiler.costs()) EXPECT_EQ(cost.multiply_adds, 0) << cost.operation;
}

TEST(Profiler, ChargesTheScope) {
  Backend& backend = device();
  Profiler profiler(backend);
  const std::string outer = "outer", inner = "outer.inner";
  Tensor x = uniform(backend, {3, 3}, {.seed = 1});
  profiler.reset();
  {
    const ScopeGuard first({.path = &outer});
    matmul(x, x);
    {
      const ScopeGuard second({.path = &inner, .backward = true});
      matmul(x, x);
      matmul(x, x);
    }
    matmul(x, x);
  }
  matmul(x, x);
  ASSERT_EQ(profiler.costs().size(), 3u);
  const Cost &of_outer = profiler.costs()[0], &of_inner = profiler.costs()[1],
             &outside = profiler.costs()[2];
  EXPECT_EQ(of_outer.module, outer);
  EXPECT_EQ(of_outer.calls, 2);
  EXPECT_FALSE(of_outer.backward);
  EXPECT_EQ(of_inner.module, inner);
  EXPECT_EQ(of_inner.calls, 2);
  EXPECT_TRUE(of_inner.backward);
  EXPECT_FALSE(outside.in_module);
  EXPECT_EQ(outside.calls, 1);
  for (const Cost& cost : profiler.costs()) {
    EXPECT_EQ(cost.work, Work::matmul);
    EXPECT_GT(cost.seconds, 0);
  }
}

TEST(Profiler, DryRunCountsAndComputesNothing) {
  const std::unique_ptr<Backend> dry = make_dry_backend();
  Backend& backend = *dry;
  Profiler profiler(backend);
  std::vector<float> numbers = {1, 2, 3, 4}, untouched = {-1, -1, -1, -1};
  backend.matmul({}, {numbers.data(), DType::f32, {2, 2}}, {numbers.data(), DType::f32, {2, 2}}, {},
                 {untouched.data(), DType::f32, {2, 2}});
  backend.fill({untouched.data(), DType::f32, {4}}, 0);
  EXPECT_EQ(untouched, std::vector<float>(4, -1));
  ASSERT_EQ(profiler.costs().size(), 2u);
  EXPECT_EQ(profiler.costs()[0].multiply_adds, 8);
  EXPECT_EQ(profiler.costs()[0].seconds, 0);
  EXPECT_EQ(profiler.costs()[1].operation, "fill");
}

int64_t resident_bytes() {
  std::ifstream stream("/proc/self/statm");
  int64_t all = 0, resident = 0;
  stream >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// Two blocks of 1 GiB each.
TEST(Profiler, DryRunTouchesNoMemory) {
  const int64_t before = resident_bytes();
  ASSERT_GT(before, 0);
  const std::unique_ptr<Backend> dry = make_dry_backend();
  Backend& backend = *dry;
  Profiler profiler(backend);
  constexpr int64_t kSide = int64_t{1} << 14;
  const Tensor x(backend, {kSide, kSide});
  const Tensor y = matmul(x, x);
  EXPECT_EQ(multiply_adds(profiler, "matmul"), kSide * kSide * kSide);
  EXPECT_LT(resident_bytes() - before, int64_t{512} << 20);
}

}  // namespace
}  // namespace d2l
