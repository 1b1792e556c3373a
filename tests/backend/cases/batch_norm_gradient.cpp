#include <algorithm>
#include <cmath>

#include "tests/backend/cases/batch_norm.h"

namespace d2l::test {
namespace {

constexpr int64_t kOtherRows = 11;  // rows of other ranks in the sums

struct GradientCase {
  Shape shape;
  DType dtype = DType::f32;
  Activation activation = Activation::none;
  bool with_residual = false;

  BatchNormParams params() const { return {.epsilon = 1e-3, .activation = activation}; }
  bool keeps_before() const {
    return activation != Activation::none && (activation != Activation::relu || with_residual);
  }
  // With these activations, the CPU rounds the gradient before them to the activations' type.
  bool rounds() const { return is_half(dtype) && activation > Activation::relu; }
  Shape channels() const { return {shape.size(-1)}; }
  int64_t rows() const { return shape.elements() / shape.size(-1); }
  std::string name() const {
    return concat(shape.to_string(), " ", to_string(dtype), " activation ",
                  static_cast<int>(activation), with_residual ? " with a residual" : "");
  }
};

std::vector<GradientCase> cases() {
  std::vector<GradientCase> all;
  for (const Shape& shape : kNormShapes)
    for (DType dtype : floats())
      for (Activation activation : {Activation::none, Activation::relu})
        for (bool with_residual : {false, true})
          all.push_back({shape, dtype, activation, with_residual});
  for (DType dtype : floats())
    for (Activation activation : {Activation::sigmoid, Activation::tanh})
      for (const Shape& shape : {Shape{5, 9, 9, 6}, Shape{85, 120}, Shape{3, 10, 10, 16},
                                 Shape{3, 3}, Shape{2, 9, 9, 64}})
        all.push_back({shape, dtype, activation, activation == Activation::tanh});
  return all;
}

// x, gamma, beta, mean, variance, y (and residual), grad_y, grad_gamma, grad_beta, the gradient
// before
std::vector<Tensor> inputs_of(const GradientCase& c) {
  return {random_tensor(c.shape, c.dtype),
          random_tensor(c.channels()),
          random_tensor(c.channels()),
          random_tensor(c.channels()),
          random_tensor(c.channels(), DType::f32, 0.1, 3),
          random_tensor(c.shape, c.dtype, -1, 1),
          random_tensor(c.shape, c.dtype),
          random_tensor(c.channels()),
          random_tensor(c.channels()),
          random_tensor(c.shape, c.dtype)};
}

struct GradientCall {
  const GradientCase& c;
  const Inputs& in;

  Backend::NormOperands operands() const {
    return {in[0], in[1], in[2], c.with_residual ? in[5] : ConstView{}};
  }
  Backend::NormStatistics statistics() const { return {writable(in[3]), writable(in[4])}; }
  // y is only needed with an activation.
  Backend::NormOutput output() const {
    return {c.activation == Activation::none ? ConstView{} : in[5], in[6]};
  }
};

TEST(BatchNormGradient, Sums) {
  for (const GradientCase& c : cases()) {
    std::vector<Tensor> outputs = {unwritten(c.channels()), unwritten(c.channels())};
    if (c.keeps_before()) outputs.push_back(unwritten(c.shape, c.dtype));
    EXPECT_TRUE(agree<PlainBatchNorm>(
        {inputs_of(c), outputs},
        [&](auto& on, const Inputs& in, const Outputs& out) {
          const GradientCall call{c, in};
          on.batch_norm_gradient_sums(
              c.params(), call.operands(), call.statistics(), call.output(),
              Backend::NormGradients{{}, out[0], out[1], c.keeps_before() ? out[2] : View{}});
        },
        (c.rounds() ? tolerances::kNormGradientOf16Bits : tolerances::kNormGradient)
            .scaled(std::max(1.0, std::sqrt(static_cast<double>(c.rows()) / 700)))))
        << c.name();
  }
}

TEST(BatchNormGradient, Input) {
  for (const GradientCase& c : cases())
    EXPECT_TRUE(agree<PlainBatchNorm>(
        {inputs_of(c), {unwritten(c.shape, c.dtype)}},
        [&](auto& on, const Inputs& in, const Outputs& out) {
          const GradientCall call{c, in};
          on.batch_norm_gradient_input(
              c.params(), call.operands(), call.statistics(),
              Backend::NormOutput{.y = {}, .grad_y = in[6]},
              Backend::NormGradients{out[0], writable(in[7]), writable(in[8]),
                                     c.keeps_before() ? writable(in[9]) : View{},
                                     c.rows() + kOtherRows});
        },
        tolerances::kNormInputGradient))
        << c.name();
}

// All four kernels in the order of a training step.
struct WholeStep {
  const GradientCase& c;

  // y, grad_x, grad_gamma, grad_beta, mean, variance and the gradient before
  Arguments arguments(double middle) const {
    Arguments all{
        {random_tensor(c.shape, c.dtype, middle - 1, middle + 1), random_tensor(c.channels()),
         random_tensor(c.channels()), random_tensor(c.shape, c.dtype),
         random_tensor(c.shape, c.dtype, -1, 1)},
        {unwritten(c.shape, c.dtype), unwritten(c.shape, c.dtype), unwritten(c.channels()),
         unwritten(c.channels()), unwritten(c.channels()), unwritten(c.channels())}};
    if (c.keeps_before()) all.outputs.push_back(unwritten(c.shape, c.dtype));
    return all;
  }

  template <class On>
  void operator()(On& on, const Inputs& in, const Outputs& out) const {
    const Backend::NormOperands operands{in[0], in[1], in[2],
                                         c.with_residual ? in[3] : ConstView{}};
    const Backend::NormStatistics statistics{out[4], out[5]};
    const Backend::NormGradients gradients{out[1], out[2], out[3],
                                           c.keeps_before() ? out[6] : View{}, c.rows()};
    const Backend::NormOutput output{out[0], in[4]};
    on.batch_norm_statistics(operands.x, statistics, {});
    on.batch_norm_apply(c.params(), operands, statistics, out[0], {});
    on.batch_norm_gradient_sums(c.params(), operands, statistics, output, gradients);
    on.batch_norm_gradient_input(c.params(), operands, statistics, output, gradients);
  }
};

TEST(BatchNormGradient, IsTheDerivative) {
  for (const Shape& shape : kNormShapes) {
    const GradientCase c{shape};
    const WholeStep step{c};
    EXPECT_TRUE(agree<PlainBatchNorm>(step.arguments(20), step, tolerances::kNormStep)) << c.name();
  }
}

TEST(BatchNormGradient, IsTheDerivativeWithActivationsAndResiduals) {
  for (DType dtype : floats())
    for (Activation activation : {Activation::relu, Activation::sigmoid, Activation::tanh})
      for (bool with_residual : {false, true})
        for (const Shape& shape : {Shape{5, 9, 9, 6}, Shape{85, 120}, Shape{3, 3},
                                   Shape{2, 9, 9, 64}, Shape{4, 7, 7, 24}}) {
          const GradientCase c{shape, dtype, activation, with_residual};
          const WholeStep step{c};
          EXPECT_TRUE(agree<PlainBatchNorm>(
              step.arguments(0), step,
              is_half(dtype) ? tolerances::kNormStepOf16Bits : tolerances::kNormStep))
              << c.name();
        }
}

TEST(BatchNormGradient, RepeatsItsBitsWithoutMoreMemory) {
  for (const Shape& shape : kNormShapes) {
    const GradientCase c{shape};
    const WholeStep step{c};
    EXPECT_TRUE(repeats(step.arguments(20), step)) << c.name();
  }
}

// The gradient has the mask of the results, although a GPU recomputes it from x.
TEST(BatchNormGradient, ReluIsZeroWhereTheResultIs) {
  const GradientCase c{.shape = {50, 16}, .activation = Activation::relu};
  const std::vector<Tensor> found = outputs_of(
      {inputs_of(c),
       {unwritten(c.shape), unwritten(c.shape), zeros(host(), {16}), zeros(host(), {16})}},
      [&](Backend& on, const Inputs& in, const Outputs& out) {
        const GradientCall call{c, in};
        on.batch_norm_apply(c.params(), call.operands(), call.statistics(), out[0], {});
        on.batch_norm_gradient_input(c.params(), call.operands(), call.statistics(),
                                     {out[0], in[6]}, {out[1], out[2], out[3], {}, c.rows()});
      });
  const auto results = found[0].to_vector<float>(), gradient = found[1].to_vector<float>();
  for (size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i] == 0.0f, gradient[i] == 0.0f) << i;
}

TEST(BatchNormGradient, OfNothing) {
  const GradientCase c{.shape = {0, 6}};
  EXPECT_TRUE(agree<PlainBatchNorm>(
      {inputs_of(c), {unwritten({6}), unwritten({6}), unwritten(c.shape)}},
      [&](auto& on, const Inputs& in, const Outputs& out) {
        const GradientCall call{c, in};
        const Backend::NormGradients gradients{out[2], out[0], out[1], {}, 0};
        on.batch_norm_gradient_sums(c.params(), call.operands(), call.statistics(), call.output(),
                                    gradients);
        on.batch_norm_gradient_input(c.params(), call.operands(), call.statistics(), call.output(),
                                     gradients);
      }));
}

TEST(BatchNormGradient, AddressesNeedNotBeAligned) {
  const Shape shape{6, 7, 16}, flat{1 + shape.elements()}, channels{16};
  for (DType dtype : floats()) {
    const GradientCase c{shape, dtype, Activation::relu, true};
    std::vector<Tensor> inputs = inputs_of(c);
    for (size_t i : {0, 5, 6}) inputs[i] = random_tensor(flat, dtype);
    EXPECT_TRUE(agree<PlainBatchNorm>(
        {inputs,
         {unwritten(channels), unwritten(channels), unwritten(flat, dtype),
          unwritten(flat, dtype)}},
        [&](auto& on, const Inputs& in, const Outputs& out) {
          Inputs moved = in;
          for (size_t i : {0, 5, 6}) moved[i] = part(in[i], 1, shape);
          const GradientCall call{c, moved};
          const Backend::NormGradients gradients{part(out[2], 1, shape), out[0], out[1],
                                                 part(out[3], 1, shape), c.rows()};
          on.batch_norm_gradient_sums(c.params(), call.operands(), call.statistics(), call.output(),
                                      gradients);
          on.batch_norm_gradient_input(c.params(), call.operands(), call.statistics(),
                                       call.output(), gradients);
        },
        tolerances::kNormGradient));
  }
}

}  // namespace
}  // namespace d2l::test
