#include <gmock/gmock.h>

#include "framework/autograd/elementwise.h"
#include "framework/autograd/normalization.h"
#include "framework/tensor/create.h"
#include "framework/tensor/elementwise.h"
#include "tests/support/support.h"

namespace d2l {
namespace {

using test::close;
using test::device;

constexpr int64_t kChannels = 16;
const Shape kShape{3, 5, 5, kChannels}, kRow{kChannels};

struct Operands {
  Variable x, gamma, beta, residual;

  explicit Operands(DType dtype = DType::f32)
      : x(uniform(device(), kShape, {.seed = 1}, -2, 2).cast(dtype), true),
        gamma(uniform(device(), kRow, {.seed = 2}, 0.5, 1.5), true),
        beta(uniform(device(), kRow, {.seed = 3}), true),
        residual(uniform(device(), kShape, {.seed = 4}, -2, 2).cast(dtype), true) {}
};

BatchNormState new_state() { return {zeros(device(), kRow), ones(device(), kRow)}; }

Tensor seed(DType dtype = DType::f32) {
  return uniform(device(), kShape, {.seed = 5}, -1, 1).cast(dtype);
}

// Keeps sums away from 0, where rounding errors would decide the output of a ReLU.
Variable far_residual(DType dtype) {
  const Tensor noise = uniform(device(), kShape, {.seed = 4}, -1, 1);
  return Variable((noise / abs(noise) * 6.0 + noise).cast(dtype), true);
}

// With a residual and an activation it equals batch norm, an addition and the activation.
TEST(BatchNormOperation, IsItsComposition) {
  for (DType dtype : {DType::f32, DType::bf16, DType::f16})
    for (Activation activation :
         {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh}) {
      if (!device().computes(dtype)) continue;
      Operands fused(dtype), plain(dtype);
      if (activation == Activation::relu) {
        fused.residual = far_residual(dtype);
        plain.residual = far_residual(dtype);
      }
      BatchNormState of_fused = new_state(), of_plain = new_state();
      Variable y = batch_norm({fused.x, fused.gamma, fused.beta, fused.residual}, of_fused,
                              {.activation = activation});
      Variable sum = batch_norm({plain.x, plain.gamma, plain.beta}, of_plain) + plain.residual;
      if (activation != Activation::none) sum = unary(unary_of(activation), sum);
      y.backward(seed(dtype));
      sum.backward(seed(dtype));
      const double relative = dtype == DType::f32 ? 1e-5 : 0.05;
      const double absolute = dtype == DType::f32 ? 2e-5 : 0.05;
      const std::pair<Tensor, Tensor> pairs[] = {
          {y.value(), sum.value()},
          {fused.x.grad(), plain.x.grad()},
          {fused.gamma.grad(), plain.gamma.grad()},
          {fused.beta.grad(), plain.beta.grad()},
          {fused.residual.grad(), plain.residual.grad()},
          {of_fused.running_mean, of_plain.running_mean},
          {of_fused.running_variance, of_plain.running_variance}};
      for (const auto& [found, wanted] : pairs)
        EXPECT_TRUE(close(found, wanted, relative, absolute))
            << to_string(dtype) << ", activation " << static_cast<int>(activation);
    }
}

TEST(BatchNormOperation, ResidualThatIsTheInput) {
  Operands in;
  BatchNormState state = new_state(), other = new_state();
  batch_norm({in.x, in.gamma, in.beta, in.x}, state).backward(seed());
  Operands apart;
  batch_norm({apart.x, apart.gamma, apart.beta, apart.residual}, other).backward(seed());
  Tensor wanted = apart.x.grad().clone();
  wanted += apart.residual.grad();
  EXPECT_TRUE(close(in.x.grad(), wanted));
}

TEST(BatchNormOperation, OneVariableAsGammaAndBeta) {
  Operands in, apart;
  Tensor arena = full(device(), {2 * kChannels}, 7);
  in.gamma.bind_grad(arena.slot(0, kRow));
  apart.beta = Variable(apart.gamma.value().clone(), true);
  BatchNormState state = new_state(), other = new_state();
  batch_norm({in.x, in.gamma, in.gamma}, state).backward(seed());
  batch_norm({apart.x, apart.gamma, apart.beta}, other).backward(seed());
  Tensor wanted = apart.gamma.grad().clone();
  wanted += apart.beta.grad();
  EXPECT_TRUE(close(in.gamma.grad(), wanted));
  EXPECT_TRUE(close(in.x.grad(), apart.x.grad()));
}

// If only one of the parameters is frozen, its gradient slot stays 0.
TEST(BatchNormOperation, GammaFrozenAlone) {
  Tensor arena = zeros(device(), {2 * kChannels});
  Operands in, wanted;
  in.gamma = Variable(in.gamma.value());
  in.gamma.bind_grad(arena.slot(0, kRow));
  in.beta.bind_grad(arena.slot(kChannels, kRow));
  BatchNormState state = new_state(), other = new_state();
  for (int round = 0; round < 2; ++round)
    batch_norm({in.x, in.gamma, in.beta}, state).backward(seed());
  batch_norm({wanted.x, wanted.gamma, wanted.beta}, other).backward(seed());
  EXPECT_TRUE(close(arena.slot(0, kRow), zeros(device(), kRow)));
  EXPECT_TRUE(close(in.beta.grad(), wanted.beta.grad() * 2.0));
  EXPECT_TRUE(close(in.x.grad(), wanted.x.grad() * 2.0));
}

// The number of kernels and copies in `work`; 0 if the device cannot record.
int64_t nodes_of(const std::function<void()>& work) {
  const std::string graph = "a CUDA graph of ";
  const auto recording = device().record(work);
  return recording == nullptr ? 0 : std::stoll(recording->describe().substr(graph.size()));
}

// Two kernels compute the statistics and running statistics, one the result, three the gradients;
// those of gamma and beta are written directly into their slots. The last node copies the seed.
TEST(BatchNormOperation, TakesSixKernels) {
  const Tensor grad = seed();
  for (bool with_residual : {false, true}) {
    Operands in;
    Tensor arena = zeros(device(), {2 * kChannels});
    in.gamma.bind_grad(arena.slot(0, kRow));
    in.beta.bind_grad(arena.slot(kChannels, kRow));
    BatchNormState state = new_state();
    const int64_t nodes = nodes_of([&] {
      batch_norm({in.x, in.gamma, in.beta, with_residual ? in.residual : Variable()}, state,
                 {.activation = Activation::relu})
          .backward(grad);
    });
    if (nodes == 0) GTEST_SKIP() << "this device records nothing";
    EXPECT_EQ(nodes, 6 + 1) << with_residual;
  }
}

}  // namespace
}  // namespace d2l
