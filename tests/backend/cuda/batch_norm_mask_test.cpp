#include <limits>

#include "tests/backend/cases/batch_norm.h"

// The mask that batch norm with a residual and a ReLU saves for its gradient instead of the result.
namespace d2l::test {
namespace {

constexpr BatchNormParams kRelu{.epsilon = 1e-3, .activation = Activation::relu};

struct Forward {
  Tensor x, gamma, beta, residual, mean, variance;

  Forward(const Shape& shape, DType dtype) {
    const Shape channels{shape.size(-1)};
    x = random_tensor(shape, dtype).to(gpu());
    residual = random_tensor(shape, dtype).to(gpu());
    gamma = random_tensor(channels).to(gpu());
    beta = random_tensor(channels).to(gpu());
    mean = random_tensor(channels).to(gpu());
    variance = random_tensor(channels, DType::f32, 0.1, 3).to(gpu());
  }
  Backend::NormOperands operands() const {
    return {x.view(), gamma.view(), beta.view(), residual.view()};
  }
  Backend::NormStatistics statistics() { return {mean.view(), variance.view()}; }
  int64_t mask_bytes() const { return gpu().batch_norm_mask_bytes(kRelu, operands()); }
};

struct Found {
  std::vector<float> y, gamma, beta, before;

  bool operator==(const Found&) const = default;
};

Found run(Forward& with, const Tensor& grad_y, bool masked) {
  const Shape& shape = grad_y.shape();
  Tensor y = unwritten(shape, grad_y.dtype()).to(gpu()), before = y.clone();
  Tensor gamma(gpu(), with.gamma.shape()), beta(gpu(), with.beta.shape());
  Tensor mask(gpu(), {masked ? with.mask_bytes() : 0}, DType::u8);
  const View mask_view = masked ? mask.view() : View{};
  gpu().batch_norm_apply(kRelu, with.operands(), with.statistics(), y.view(), mask_view);
  gpu().batch_norm_gradient_sums(
      kRelu, with.operands(), with.statistics(),
      {masked ? ConstView{} : ConstView(y.view()), grad_y.view(), mask_view},
      {{}, gamma.view(), beta.view(), before.view()});
  return {y.to_vector<float>(), gamma.to_vector<float>(), beta.to_vector<float>(),
          before.to_vector<float>()};
}

TEST(CudaBatchNormMask, TellsWhatTheResultTells) {
  for (const Shape& shape : kNormShapes)
    for (DType dtype : floats()) {
      if (shape.size(-1) % 4 != 0) continue;
      Forward with(shape, dtype);
      const Tensor grad_y = random_tensor(shape, dtype).to(gpu());
      EXPECT_GT(with.mask_bytes(), 0);
      EXPECT_TRUE(run(with, grad_y, true) == run(with, grad_y, false))
          << shape << " " << to_string(dtype);
    }
}

// Results that are 0, slightly above and below 0, too small for 16 bits, and NaN.
TEST(CudaBatchNormMask, AtTheEdges) {
  const float tiny = 1e-30f, infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> residuals = {0,   -0.0f, tiny,     -tiny,     1e-9f, -1e-9f,
                                        1.f, -1.f,  infinity, -infinity, 65504, 6e-8f};
  for (DType dtype : floats()) {
    Forward with({3, 4}, dtype);
    with.x = zeros(gpu(), {3, 4}, dtype);
    with.beta = zeros(gpu(), {4});
    with.mean = zeros(gpu(), {4});
    with.residual = from_vector(gpu(), {3, 4}, residuals).cast(dtype);
    const Tensor grad_y = random_tensor({3, 4}, dtype, 1, 2).to(gpu());
    const Found found = run(with, grad_y, true);
    EXPECT_TRUE(found == run(with, grad_y, false)) << to_string(dtype);
    for (size_t i = 0; i < residuals.size(); ++i)
      EXPECT_EQ(found.before[i] != 0, found.y[i] > 0) << residuals[i] << " " << to_string(dtype);
  }
}

TEST(CudaBatchNormMask, LetsNoNumberPass) {
  Forward with({5, 8}, DType::f32);
  gpu().fill(with.beta.view(), std::numeric_limits<double>::quiet_NaN());
  const Tensor grad_y = random_tensor({5, 8}, DType::f32, 1, 2).to(gpu());
  EXPECT_EQ(run(with, grad_y, true).before, grad_y.to_vector<float>());
}

TEST(CudaBatchNormMask, AddressesNeedNotBeAligned) {
  const Shape shape{6, 7, 16}, flat{1 + shape.elements()};
  for (DType dtype : floats()) {
    const auto shifted = [&](const Tensor& whole) { return whole.slot(1, shape); };
    Forward with(shape, dtype);
    const Tensor grad_y = random_tensor(shape, dtype).to(gpu());
    const Found wanted = run(with, grad_y, true);
    for (Tensor* moved : {&with.x, &with.residual}) {
      Tensor copy = shifted(Tensor(gpu(), flat, dtype));
      copy.copy_from(*moved);
      *moved = copy;
    }
    Tensor moved_grad = shifted(Tensor(gpu(), flat, dtype));
    moved_grad.copy_from(grad_y);
    EXPECT_TRUE(run(with, moved_grad, true) == wanted) << to_string(dtype);
    Tensor y = shifted(Tensor(gpu(), flat, dtype)), before = shifted(Tensor(gpu(), flat, dtype));
    Tensor mask(gpu(), {with.mask_bytes()}, DType::u8), sums(gpu(), {2, 16});
    gpu().batch_norm_apply(kRelu, with.operands(), with.statistics(), y.view(), mask.view());
    gpu().batch_norm_gradient_sums(
        kRelu, with.operands(), with.statistics(), {{}, moved_grad.view(), mask.view()},
        {{}, sums.rows(0, 1).view(), sums.rows(1, 2).view(), before.view()});
    EXPECT_EQ(y.to_vector<float>(), wanted.y) << to_string(dtype);
    EXPECT_EQ(before.to_vector<float>(), wanted.before) << to_string(dtype);
  }
}

TEST(CudaBatchNormMask, TakesABitForEachElement) {
  for (DType dtype : floats()) {
    const Shape shape{64, 16, 16, 64};
    EXPECT_EQ(Forward(shape, dtype).mask_bytes(), shape.elements() / 8) << to_string(dtype);
    EXPECT_EQ(Forward({5, 6}, dtype).mask_bytes(), 0);
    EXPECT_EQ(Forward({0, 8}, dtype).mask_bytes(), 0);
  }
  const Forward with({64, 64}, DType::f32);
  for (Activation activation : {Activation::none, Activation::sigmoid, Activation::tanh})
    EXPECT_EQ(gpu().batch_norm_mask_bytes({.activation = activation}, with.operands()), 0);
  Backend::NormOperands alone = with.operands();
  alone.residual = {};
  EXPECT_EQ(gpu().batch_norm_mask_bytes(kRelu, alone), 0);
  EXPECT_EQ(host().batch_norm_mask_bytes(kRelu, with.operands()), 0);
}

}  // namespace
}  // namespace d2l::test
