#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "framework/autograd/attention.h"
#include "framework/autograd/convolution.h"
#include "framework/autograd/linear.h"
#include "framework/backend/profiling_backend.h"
#include "framework/base/scope.h"
#include "framework/tensor/create.h"
#include "framework/tensor/linalg.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::device;

int64_t multiply_adds(const ProfilingBackend& backend, const std::string& operation) {
  int64_t sum = 0;
  for (const Cost& cost : backend.costs())
    if (cost.operation == operation) sum += cost.multiply_adds;
  return sum;
}

Variable leaf(Backend& backend, const Shape& shape) {
  return Variable(uniform(backend, shape, {.seed = 4}), true);
}

TEST(ProfilingBackend, CountsMultiplyAddsOfConvolutions) {
  ProfilingBackend backend(&device());
  Variable x = leaf(backend, {2, 9, 7, 3}), weight = leaf(backend, {4, 3, 3, 3});
  Variable y = conv2d(x, weight, {}, {.stride = {2, 2}, .padding = {1, 1}});  // [2, 5, 4, 4]
  constexpr int64_t kOnce = 2 * 5 * 4 * 4 * 3 * 3 * 3;
  EXPECT_EQ(multiply_adds(backend, "conv2d"), kOnce);
  y.backward(ones(backend, y.shape()));
  EXPECT_EQ(multiply_adds(backend, "conv2d_backward_input"), kOnce);
  EXPECT_EQ(multiply_adds(backend, "conv2d_backward_weight"), kOnce);
}

// With and without a gradient of the images.
TEST(ProfilingBackend, CountsMultiplyAddsOfConvolutionsWithPooling) {
  constexpr int64_t kOnce = 2 * 6 * 4 * 4 * 3 * 3;
  for (const bool input_gradient : {false, true}) {
    ProfilingBackend backend(&device());
    Variable x(uniform(backend, {2, 8, 6, 1}, {.seed = 1}), input_gradient);
    Variable y = conv2d_pool(x, leaf(backend, {4, 3, 3, 1}), {}, {}, {});
    EXPECT_EQ(y.shape(), (Shape{2, 3, 2, 4}));
    EXPECT_EQ(multiply_adds(backend, "conv2d_pool"), kOnce);
    EXPECT_EQ(multiply_adds(backend, "conv2d"), 0);
    y.backward(ones(backend, y.shape()));
    EXPECT_EQ(multiply_adds(backend, "conv2d_pool_backward"), (input_gradient ? 2 : 1) * kOnce);
  }
}

TEST(ProfilingBackend, CountsMultiplyAddsOfProducts) {
  ProfilingBackend backend(&device());
  Variable x = leaf(backend, {5, 3}), weight = leaf(backend, {7, 3});
  Variable y = linear(x, weight);
  EXPECT_EQ(multiply_adds(backend, "matmul"), 5 * 3 * 7);
  y.backward(ones(backend, {5, 7}));
  EXPECT_EQ(multiply_adds(backend, "matmul"), 3 * 5 * 3 * 7);
  backend.reset();
  EXPECT_TRUE(backend.costs().empty());
  matmul(uniform(backend, {2, 3, 4}, {.seed = 1}), uniform(backend, {2, 4, 5}, {.seed = 2}));
  EXPECT_EQ(multiply_adds(backend, "matmul"), 2 * 3 * 4 * 5);
}

TEST(ProfilingBackend, CountsMultiplyAddsOfAttention) {
  ProfilingBackend backend(&device());
  Variable queries = leaf(backend, {2, 3, 8}), keys = leaf(backend, {2, 5, 8}),
           values = leaf(backend, {2, 5, 6});
  Variable y = attention(queries, keys, values, {.heads = 2});
  EXPECT_EQ(multiply_adds(backend, "attention"), 2 * 3 * 5 * (8 + 6));
  y.backward(ones(backend, y.shape()));
  EXPECT_EQ(multiply_adds(backend, "attention_backward"), 2 * 2 * 3 * 5 * (8 + 6));
}

TEST(ProfilingBackend, EmptyBatchesCostNothing) {
  ProfilingBackend backend(&device());
  Variable x = leaf(backend, {0, 9, 7, 3}), weight = leaf(backend, {4, 3, 3, 3});
  Variable y = conv2d(x, weight);
  y.backward(Tensor(backend, y.shape()));
  for (const Cost& cost : backend.costs()) EXPECT_EQ(cost.multiply_adds, 0) << cost.operation;
}

TEST(ProfilingBackend, ChargesTheScope) {
  ProfilingBackend backend(&device());
  const std::string outer = "outer", inner = "outer.inner";
  Tensor x = uniform(backend, {3, 3}, {.seed = 1});
  backend.reset();
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
  ASSERT_EQ(backend.costs().size(), 3u);
  const Cost &of_outer = backend.costs()[0], &of_inner = backend.costs()[1],
             &outside = backend.costs()[2];
  EXPECT_EQ(of_outer.module, outer);
  EXPECT_EQ(of_outer.calls, 2);
  EXPECT_FALSE(of_outer.backward);
  EXPECT_EQ(of_inner.module, inner);
  EXPECT_EQ(of_inner.calls, 2);
  EXPECT_TRUE(of_inner.backward);
  EXPECT_FALSE(outside.in_module);
  EXPECT_EQ(outside.calls, 1);
  for (const Cost& cost : backend.costs()) {
    EXPECT_EQ(cost.work, Work::matmul);
    EXPECT_GT(cost.seconds, 0);
  }
}

TEST(ProfilingBackend, DryRunCountsAndComputesNothing) {
  ProfilingBackend backend(nullptr);
  std::vector<float> numbers = {1, 2, 3, 4}, untouched = {-1, -1, -1, -1};
  backend.matmul({}, {numbers.data(), DType::f32, {2, 2}}, {numbers.data(), DType::f32, {2, 2}}, {},
                 {untouched.data(), DType::f32, {2, 2}});
  backend.fill({untouched.data(), DType::f32, {4}}, 0);
  EXPECT_EQ(untouched, std::vector<float>(4, -1));
  ASSERT_EQ(backend.costs().size(), 2u);
  EXPECT_EQ(backend.costs()[0].multiply_adds, 8);
  EXPECT_EQ(backend.costs()[0].seconds, 0);
  EXPECT_EQ(backend.costs()[1].operation, "fill");
}

int64_t resident_bytes() {
  std::ifstream stream("/proc/self/statm");
  int64_t all = 0, resident = 0;
  stream >> all >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// Two blocks of 1 GiB each.
TEST(ProfilingBackend, DryRunTouchesNoMemory) {
  const int64_t before = resident_bytes();
  ASSERT_GT(before, 0);
  ProfilingBackend backend(nullptr);
  constexpr int64_t kSide = int64_t{1} << 14;
  const Tensor x(backend, {kSide, kSide});
  const Tensor y = matmul(x, x);
  EXPECT_EQ(multiply_adds(backend, "matmul"), kSide * kSide * kSide);
  EXPECT_LT(resident_bytes() - before, int64_t{512} << 20);
}

}  // namespace
}  // namespace d2l
