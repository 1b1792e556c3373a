#include "tests/backend/cuda/batch_norm_cases.h"

namespace d2l::test {
namespace {

constexpr int64_t kOtherRows = 11;  // of other ranks, in the sums

struct Case {
  Shape shape;
  DType dtype = DType::f32;
  Activation activation = Activation::none;
  bool with_residual = false;

  BatchNormParams params() const { return {.epsilon = 1e-3, .activation = activation}; }
  bool keeps_before() const {
    return activation != Activation::none && (activation != Activation::relu || with_residual);
  }
  // The CPU rounds the gradient before these activations to the type of the activations.
  bool rounds() const { return is_half(dtype) && activation > Activation::relu; }
  Shape channels() const { return {shape.size(-1)}; }
  int64_t rows() const { return shape.elements() / shape.size(-1); }
  std::string name() const {
    return concat(shape.to_string(), " ", to_string(dtype), " activation ",
                  static_cast<int>(activation), with_residual ? " with a residual" : "");
  }
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Shape& shape : kNormShapes)
    for (DType dtype : kFloats)
      for (Activation activation : {Activation::none, Activation::relu})
        for (bool with_residual : {false, true})
          all.push_back({shape, dtype, activation, with_residual});
  for (DType dtype : kFloats)
    for (Activation activation : {Activation::sigmoid, Activation::tanh})
      for (const Shape& shape : {kNormShapes[0], kNormShapes[2]})
        all.push_back({shape, dtype, activation, activation == Activation::tanh});
  return all;
}

// x, gamma, beta, mean, variance, y, grad_y, grad_gamma, grad_beta, the gradient before
std::vector<Tensor> inputs_of(const Case& c) {
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

View writable(const ConstView& view) {  // statistics and sums are views that may be written
  return {const_cast<void*>(view.data), view.dtype, view.shape};
}

struct Call {
  const Case& c;
  const std::vector<ConstView>& in;

  Backend::NormOperands operands() const {
    return {in[0], in[1], in[2], c.with_residual ? in[5] : ConstView{}};
  }
  Backend::NormStatistics statistics() const { return {writable(in[3]), writable(in[4])}; }
  // y is only there where an activation is.
  Backend::NormOutput output() const {
    return {c.activation == Activation::none ? ConstView{} : in[5], in[6]};
  }
};

TEST(CudaBatchNormGradient, Sums) {
  for (const Case& c : cases()) {
    std::vector<Tensor> outputs = {unwritten(c.channels()), unwritten(c.channels())};
    if (c.keeps_before()) outputs.push_back(unwritten(c.shape, c.dtype));
    EXPECT_TRUE(like_cpu(
        {inputs_of(c), outputs},
        [&](Backend& on, const auto& in, const auto& out) {
          const Call call{c, in};
          on.batch_norm_gradient_sums(c.params(), call.operands(), call.statistics(), call.output(),
                                      {{}, out[0], out[1], c.keeps_before() ? out[2] : View{}});
        },
        c.rounds() ? Tolerance{0.01, 0.2} : Tolerance{1e-5, 3e-5}))
        << c.name();
  }
}

TEST(CudaBatchNormGradient, Input) {
  for (const Case& c : cases())
    EXPECT_TRUE(like_cpu(
        {inputs_of(c), {unwritten(c.shape, c.dtype)}},
        [&](Backend& on, const auto& in, const auto& out) {
          const Call call{c, in};
          on.batch_norm_gradient_input(
              c.params(), call.operands(), call.statistics(), {.y = {}, .grad_y = in[6]},
              {out[0], writable(in[7]), writable(in[8]),
               c.keeps_before() ? writable(in[9]) : View{}, c.rows() + kOtherRows});
        },
        c.dtype == DType::f32 ? Tolerance{2e-6, 1e-5} : Tolerance{1.0 / 128, 1e-4}))
        << c.name();
}

// The gradient's mask is that of the results, though it is found again from x.
TEST(CudaBatchNormGradient, ReluIsZeroWhereTheResultIs) {
  const Case c{.shape = {50, 16}, .activation = Activation::relu};
  std::vector<Tensor> inputs;
  for (const Tensor& tensor : inputs_of(c)) inputs.push_back(tensor.to(gpu()));
  std::vector<ConstView> in;
  for (const Tensor& tensor : inputs) in.push_back(tensor.view());
  const Call call{c, in};
  Tensor y(gpu(), c.shape), grad_x(gpu(), c.shape);
  Tensor zero = from_vector<float>(gpu(), c.channels(), std::vector<float>(16, 0.0f));
  gpu().batch_norm_apply(c.params(), call.operands(), call.statistics(), y.view(), {});
  gpu().batch_norm_gradient_input(c.params(), call.operands(), call.statistics(), call.output(),
                                  {grad_x.view(), zero.view(), zero.view(), {}, c.rows()});
  const auto results = y.to_vector<float>(), found = grad_x.to_vector<float>();
  for (size_t i = 0; i < results.size(); ++i) EXPECT_EQ(results[i] == 0.0f, found[i] == 0.0f) << i;
}

TEST(CudaBatchNormGradient, OfNothing) {
  const Case c{.shape = {0, 6}};
  EXPECT_TRUE(like_cpu({inputs_of(c), {unwritten({6}), unwritten({6}), unwritten(c.shape)}},
                       [&](Backend& on, const auto& in, const auto& out) {
                         const Call call{c, in};
                         const Backend::NormGradients gradients{out[2], out[0], out[1], {}, 0};
                         on.batch_norm_gradient_sums(c.params(), call.operands(), call.statistics(),
                                                     call.output(), gradients);
                         on.batch_norm_gradient_input(c.params(), call.operands(),
                                                      call.statistics(), call.output(), gradients);
                       }));
}

TEST(CudaBatchNormGradient, AddressesNeedNotBeAligned) {
  const Shape shape{6, 7, 16}, flat{1 + shape.elements()}, channels{16};
  const auto shifted = [&](const auto& view) {
    return View{static_cast<std::byte*>(const_cast<void*>(view.data)) + size_of(view.dtype),
                view.dtype, shape};
  };
  for (DType dtype : kFloats) {
    const Case c{shape, dtype, Activation::relu, true};
    std::vector<Tensor> inputs = inputs_of(c);
    for (size_t i : {0, 5, 6}) inputs[i] = random_tensor(flat, dtype);
    EXPECT_TRUE(like_cpu(
        {inputs,
         {unwritten(channels), unwritten(channels), unwritten(flat, dtype),
          unwritten(flat, dtype)}},
        [&](Backend& on, const auto& in, const auto& out) {
          const std::vector<ConstView> moved = {shifted(in[0]), in[1],         in[2], in[3], in[4],
                                                shifted(in[5]), shifted(in[6])};
          const Call call{c, moved};
          const Backend::NormGradients gradients{shifted(out[2]), out[0], out[1], shifted(out[3]),
                                                 c.rows()};
          on.batch_norm_gradient_sums(c.params(), call.operands(), call.statistics(), call.output(),
                                      gradients);
          on.batch_norm_gradient_input(c.params(), call.operands(), call.statistics(),
                                       call.output(), gradients);
        },
        dtype == DType::f32 ? Tolerance{1e-5, 3e-5} : Tolerance{1.0 / 128, 1e-4}));
  }
}

}  // namespace
}  // namespace d2l::test
