#include <cmath>

#include "framework/backend/cuda_module.h"
#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

struct Case {
  int64_t batch;
  Extent image;
  int64_t in, out;
  Extent kernel, stride{1, 1}, padding{0, 0};

  Shape x() const { return {batch, image.height, image.width, in}; }
  Shape weight() const { return {out, kernel.height, kernel.width, in}; }
  Shape y() const {
    return {batch, (image.height + 2 * padding.height - kernel.height) / stride.height + 1,
            (image.width + 2 * padding.width - kernel.width) / stride.width + 1, out};
  }
  Conv2dParams params(Activation activation = Activation::none) const {
    return {stride, padding, activation};
  }
  std::string text() const {
    return concat("x ", x(), ", weight ", weight(), ", stride ", stride.height, " ", stride.width,
                  ", padding ", padding.height, " ", padding.width);
  }
};

// Kernels of 1, 3, 5, 7 and 11, alone and with strides and paddings; channels that fill vectors and
// that do not.
const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {3, {7, 5}, 1, 1, {1, 1}},
      {2, {9, 8}, 8, 16, {1, 1}},
      {2, {8, 9}, 16, 33, {1, 1}, {2, 2}},
      {4, {4, 4}, 33, 8, {1, 1}, {1, 1}, {1, 1}},
      {2, {1, 1}, 16, 24, {1, 1}},
      {3, {9, 9}, 3, 16, {3, 3}, {1, 1}, {1, 1}},
      {2, {10, 7}, 16, 16, {3, 3}, {1, 1}, {1, 1}},
      {2, {11, 9}, 33, 8, {3, 3}, {2, 2}, {1, 1}},
      {1, {6, 6}, 8, 3, {3, 3}, {3, 3}, {2, 2}},
      {5, {3, 3}, 16, 8, {3, 3}},
      {2, {12, 11}, 8, 8, {3, 1}, {1, 1}, {1, 0}},
      {2, {9, 10}, 8, 6, {2, 3}, {2, 1}, {0, 1}},
      {4, {12, 12}, 1, 6, {5, 5}, {1, 1}, {2, 2}},
      {3, {8, 8}, 6, 16, {5, 5}},
      {2, {6, 7}, 16, 16, {5, 5}, {1, 1}, {2, 2}},
      {1, {5, 5}, 16, 8, {5, 5}, {2, 2}, {4, 4}},
      {2, {20, 21}, 3, 16, {7, 7}, {2, 2}, {3, 3}},
      {1, {27, 29}, 3, 24, {11, 11}, {4, 4}, {1, 1}},
      {1, {13, 12}, 1, 8, {11, 11}, {1, 1}, {5, 5}},
  };
  return all;
}

// f32: 1e-5 relative to the magnitude of sums of k products of numbers from [-2, 2); ten times that
// if one side may use minimal filtering, which subtracts larger numbers. 16 bits: results have 8
// bits.
Tolerance tolerance_of(const Case& c, DType dtype, int64_t k) {
  const bool is_filtered = c.kernel.height > 1 && c.stride == Extent{1, 1};
  const double tolerance = is_half(dtype) ? 2e-2 : is_filtered ? 1e-4 : 1e-5;
  return {tolerance, tolerance * 4 / 3 * std::sqrt(static_cast<double>(k))};
}

testing::AssertionResult convolves(const Case& c, DType dtype, Activation activation, bool bias) {
  const Conv2dParams params = c.params(activation);
  return like_cpu(
             {{random_tensor(c.x(), dtype), random_tensor(c.weight()), random_tensor({c.out})},
              {unwritten(c.y(), dtype)}},
             [=](Backend& on, const auto& in, const auto& out) {
               on.conv2d(params, {in[0], in[1], bias ? in[2] : ConstView{}}, out[0]);
             },
             tolerance_of(c, dtype, c.weight().elements() / c.out))
         << "; " << to_string(dtype) << ", bias " << bias << ", activation "
         << static_cast<int>(activation) << ", " << c.text();
}

testing::AssertionResult turns_back(const Case& c, DType dtype, bool accumulate) {
  const Conv2dParams params = c.params(Activation::relu);  // ignored
  const Tensor before = accumulate ? random_tensor(c.x(), dtype) : unwritten(c.x(), dtype);
  return like_cpu(
             {{random_tensor(c.y(), dtype), random_tensor(c.weight())}, {before}},
             [=](Backend& on, const auto& in, const auto& out) {
               on.conv2d_backward_input(params, in[0], in[1], out[0], accumulate);
             },
             tolerance_of(c, dtype, c.weight().elements() / c.in))
         << "; " << to_string(dtype) << ", accumulate " << accumulate << ", " << c.text();
}

testing::AssertionResult sums_gradients(const Case& c, DType dtype, bool bias) {
  const Conv2dParams params = c.params(Activation::tanh);  // ignored
  return like_cpu(
             {{random_tensor(c.x(), dtype), random_tensor(c.y(), dtype)},
              {unwritten(c.weight()), unwritten({c.out})}},
             [=](Backend& on, const auto& in, const auto& out) {
               on.conv2d_backward_weight(params, in[0], in[1], out[0], bias ? out[1] : View{});
             },
             tolerance_of(c, dtype, std::max<int64_t>(1, c.y().elements() / c.out)))
         << "; " << to_string(dtype) << ", bias " << bias << ", " << c.text();
}

TEST(CudaProductsConvolution, Forward) {
  for (const Case& c : cases())
    for (DType dtype : multiplied_floats())
      EXPECT_TRUE(convolves(c, dtype, Activation::none, false));
}
TEST(CudaProductsConvolution, BackwardInput) {
  for (const Case& c : cases())
    for (DType dtype : multiplied_floats())
      for (bool accumulate : {false, true}) EXPECT_TRUE(turns_back(c, dtype, accumulate));
}
TEST(CudaProductsConvolution, BackwardWeight) {
  for (const Case& c : cases())
    for (DType dtype : multiplied_floats()) EXPECT_TRUE(sums_gradients(c, dtype, true));
}

TEST(CudaProductsConvolution, BiasAndActivation) {
  for (size_t i : {5, 6, 7, 12})
    for (DType dtype : multiplied_floats())
      for (Activation activation :
           {Activation::none, Activation::relu, Activation::sigmoid, Activation::tanh})
        for (bool bias : {false, true}) EXPECT_TRUE(convolves(cases()[i], dtype, activation, bias));
}

TEST(CudaProductsConvolution, GradientsWithoutBias) {
  for (DType dtype : multiplied_floats()) EXPECT_TRUE(sums_gradients(cases()[6], dtype, false));
}

TEST(CudaProductsConvolution, EmptyBatches) {
  for (DType dtype : multiplied_floats()) {
    const Case empty{0, {8, 8}, 8, 16, {3, 3}, {1, 1}, {1, 1}};
    EXPECT_TRUE(convolves(empty, dtype, Activation::relu, true));
    EXPECT_TRUE(turns_back(empty, dtype, true));
    EXPECT_TRUE(sums_gradients(empty, dtype, true));
    EXPECT_TRUE(sums_gradients(empty, dtype, false));
  }
}

// Images that start one element into their memory, as slices of a batch may.
TEST(CudaProductsConvolution, AtAnyAddress) {
  const Case c{2, {6, 5}, 3, 8, {3, 3}, {1, 1}, {1, 1}};
  for (DType dtype : multiplied_floats()) {
    const auto kernel = [=](Backend& on, const auto& in, const auto& out) {
      const DType stored = in[0].dtype;
      const int64_t step = static_cast<int64_t>(size_of(stored));
      const ConstView x(in[0].template as<std::byte>() + step, stored, c.x());
      const View y{out[0].template as<std::byte>() + step, stored, c.y()};
      const View grad_x{out[1].template as<std::byte>() + step, stored, c.x()};
      on.conv2d(c.params(Activation::relu), {x, in[1], in[2]}, y);
      on.conv2d_backward_input(c.params(), y, in[1], grad_x, false);
      on.conv2d_backward_input(c.params(), y, in[1], grad_x, true);
      on.conv2d_backward_weight(c.params(), x, y, out[2], out[3]);
    };
    EXPECT_TRUE(like_cpu(
        {{random_tensor({c.x().elements() + 1}, dtype),
          random_tensor(c.weight(), DType::f32, -0.3, 0.3), random_tensor({c.out})},
         {zeros(host(), {c.y().elements() + 1}, dtype), unwritten({c.x().elements() + 1}, dtype),
          unwritten(c.weight()), unwritten({c.out})}},
        kernel, dtype == DType::f32 ? Tolerance{1e-4, 1e-4} : Tolerance{3e-2, 0.3}))
        << to_string(dtype);
  }
}

struct Step {
  std::vector<float> y, grad_x, grad_weight, grad_bias;

  bool operator==(const Step&) const = default;
};

Step step_on(Backend& backend, const Case& c, const std::vector<Tensor>& host_inputs) {
  std::vector<Tensor> in;
  for (const Tensor& input : host_inputs) in.push_back(input.to(backend));
  Tensor y(backend, c.y(), in[0].dtype()), grad_x(backend, c.x(), in[0].dtype());
  Tensor grad_weight(backend, c.weight()), grad_bias(backend, {c.out});
  backend.conv2d(c.params(Activation::relu), {in[0].view(), in[1].view(), in[2].view()}, y.view());
  for (bool accumulate : {false, true})
    backend.conv2d_backward_input(c.params(), in[3].view(), in[1].view(), grad_x.view(),
                                  accumulate);
  backend.conv2d_backward_weight(c.params(), in[0].view(), in[3].view(), grad_weight.view(),
                                 grad_bias.view());
  return {y.to_vector<float>(), grad_x.to_vector<float>(), grad_weight.to_vector<float>(),
          grad_bias.to_vector<float>()};
}

std::vector<Tensor> step_inputs(const Case& c, DType dtype) {
  return {random_tensor(c.x(), dtype), random_tensor(c.weight()), random_tensor({c.out}),
          random_tensor(c.y(), dtype)};
}

TEST(CudaProductsConvolution, DeterministicIsTheSameInEveryRun) {
  const Case c{6, {14, 14}, 16, 24, {3, 3}, {1, 1}, {1, 1}};
  auto first = make_cuda_backend({.deterministic = true});
  auto second = make_cuda_backend({.deterministic = true});
  for (DType dtype : multiplied_floats()) {
    const std::vector<Tensor> inputs = step_inputs(c, dtype);
    const Step found = step_on(*first, c, inputs);
    EXPECT_TRUE(found == step_on(*first, c, inputs)) << to_string(dtype);
    EXPECT_TRUE(found == step_on(*second, c, inputs)) << to_string(dtype);
  }
}

TEST(CudaProductsConvolution, Tf32) {
  const Case c{2, {10, 10}, 16, 16, {3, 3}, {1, 1}, {1, 1}};
  auto backend = make_cuda_backend({.tf32 = true});
  const std::vector<Tensor> inputs = step_inputs(c, DType::f32);
  const Step found = step_on(*backend, c, inputs), exact = step_on(host(), c, inputs);
  for (size_t i = 0; i < exact.y.size(); ++i) ASSERT_NEAR(found.y[i], exact.y[i], 5e-3 * 16);
  for (size_t i = 0; i < exact.grad_x.size(); ++i)
    ASSERT_NEAR(found.grad_x[i], exact.grad_x[i], 5e-3 * 16);
  for (size_t i = 0; i < exact.grad_weight.size(); ++i)
    ASSERT_NEAR(found.grad_weight[i], exact.grad_weight[i], 5e-3 * 19);
}

TEST(CudaProductsConvolution, AsksTheSystemForNothingTwice) {
  const Case c{4, {12, 12}, 3, 16, {3, 3}, {1, 1}, {1, 1}};
  for (DType dtype : multiplied_floats()) {
    const std::vector<Tensor> inputs = step_inputs(c, dtype);
    step_on(gpu(), c, inputs);
    const uint64_t before = gpu().pool().stats().system_allocations;
    step_on(gpu(), c, inputs);
    EXPECT_EQ(gpu().pool().stats().system_allocations, before);
  }
}

}  // namespace
}  // namespace d2l::test
