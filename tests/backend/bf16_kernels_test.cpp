#include <tuple>

#include "tests/backend/bf16_ways.h"
#include "tests/backend/naive.h"

// Compares kernels for bf16 activations with the f32 kernels on the same numbers. For convolutions
// see convolution_test.cpp.

namespace d2l::test {
namespace {

using naive::Array;
using Values = std::vector<float>;

// The error of storing a result in bf16: half a unit in the last place, also of a number that was
// summed.
constexpr double kStored = 1.0 / 256;

// Random numbers that are exact in f32 and bf16.
template <class T>
void fill_random(Array<T>& array, uint64_t seed) {
  array.random(seed);
  for (int64_t i = 0; i < array.count(); ++i)
    array[i] = static_cast<T>(static_cast<float>(Bfloat16(static_cast<float>(array[i]))));
}

testing::AssertionResult like(const Values& found, const Values& expected, double tolerance) {
  return naive::close(found, naive::Doubles(expected.begin(), expected.end()), tolerance);
}

// run(T{}) returns all results; for T = Bfloat16 they must match those for float.
template <class Run>
void expect_like_f32(const Run& run, double tolerance = kStored) {
  const std::vector<Values> expected = run(float{}), found = run(Bfloat16{});
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i)
    EXPECT_TRUE(like(found[i], expected[i], tolerance)) << "result " << i;
}

class Bf16Kernels : public testing::TestWithParam<cpu::Bf16Products> {
 protected:
  cpu::ForcedBf16Products forced{GetParam()};
  std::unique_ptr<Backend> backend = make_cpu_backend(2);
};

// A layer's products: its results and the gradients of its input and its weights.
template <class T>
std::vector<Values> linear(Backend& backend, int64_t rows, int64_t in, int64_t out) {
  Array<T> x(backend, {rows, in}), y(backend, {rows, out}), grad_x(backend, {rows, in});
  Array<T> grad_y(backend, {rows, out});
  Array<float> weight(backend, {out, in}), bias(backend, {out}), grad_weight(backend, {out, in});
  fill_random(x, 1), fill_random(weight, 2), fill_random(bias, 3), fill_random(grad_y, 4);
  backend.matmul({.transpose_b = true, .activation = Activation::relu}, x.view(), weight.view(),
                 bias.view(), y.view());
  backend.matmul({}, grad_y.view(), weight.view(), {}, grad_x.view());
  backend.matmul({.transpose_a = true}, grad_y.view(), x.view(), {}, grad_weight.view());
  return {y.floats(), grad_x.floats(), grad_weight.floats()};
}

TEST_P(Bf16Kernels, ProductsAreThoseOfF32) {
  // few rows; many rows, copied in slices; many weights for few rows
  for (const auto& [rows, in, out] : {std::tuple(1, 1, 1),
                                      {5, 1, 9},
                                      {7, 40, 33},
                                      {32, 400, 120},
                                      {85, 784, 256},
                                      {1300, 90, 64},
                                      {3000, 7, 10},
                                      {700, 300, 31},
                                      {64, 600, 500},
                                      {130, 600, 500},
                                      {0, 5, 7}})
    expect_like_f32([&, r = rows, i = in, o = out](auto zero) {
      return linear<decltype(zero)>(*backend, r, i, o);
    });
}

TEST_P(Bf16Kernels, ProductsOfStacksAreThoseOfF32) {
  expect_like_f32([&](auto zero) {
    using T = decltype(zero);
    Array<T> a(*backend, {3, 17, 20}), b(*backend, {3, 20, 33}), out(*backend, {3, 17, 33});
    Array<T> grad(*backend, {3, 17, 33});
    Array<float> sum(*backend, {3, 20, 33});
    fill_random(a, 1), fill_random(b, 2), fill_random(grad, 3);
    backend->matmul({}, a.view(), b.view(), {}, out.view());
    backend->matmul({.transpose_a = true}, a.view(), grad.view(), {}, sum.view());
    return std::vector<Values>{out.floats(), sum.floats()};
  });
}

// bf16 cannot represent 1 + 2^-12.
TEST_P(Bf16Kernels, WeightsAreRoundedWhereTheyAreMultipliedInBf16) {
  Array<Bfloat16> x(*backend, {64, 1});
  Array<float> weight(*backend, {1, 1}), y(*backend, {64, 1});
  for (int64_t i = 0; i < x.count(); ++i) x[i] = Bfloat16(1.0f);
  weight[0] = 1 + 0x1p-12f;
  backend->matmul({}, x.view(), weight.view(), {}, y.view());
  const bool rounded = GetParam() != cpu::Bf16Products::f32;
  EXPECT_EQ(y.floats(), Values(64, rounded ? 1.0f : 1 + 0x1p-12f));
}

TEST_P(Bf16Kernels, TheSameBitsAgain) {
  const std::vector<Values> first = linear<Bfloat16>(*backend, 1300, 90, 64);
  EXPECT_EQ(linear<Bfloat16>(*backend, 1300, 90, 64), first);
}

INSTANTIATE_TEST_SUITE_P(Ways, Bf16Kernels, testing::ValuesIn(bf16_ways()));

struct PooledCase {
  int64_t batch, height, width, in, out, kernel, padding;
  Activation activation = Activation::sigmoid;
  Pooling pooling = Pooling::average;
};

template <class T>
std::vector<Values> conv_pool(Backend& backend, const PooledCase& c, bool input_gradient) {
  const ConvPoolParams params{
      {{1, 1}, {c.padding, c.padding}, c.activation}, {.kind = c.pooling}, input_gradient};
  const int64_t height = naive::out_size(c.height, c.kernel, 1, c.padding);
  const int64_t width = naive::out_size(c.width, c.kernel, 1, c.padding);
  Array<T> x(backend, {c.batch, c.height, c.width, c.in}), grad_x(backend, x.view().shape);
  Array<T> kept(backend, {c.batch, height, width, c.out});
  Array<T> y(backend, {c.batch, height / 2, width / 2, c.out}), grad_y(backend, y.view().shape);
  Array<uint8_t> winners(backend, y.view().shape);
  Array<float> weight(backend, {c.out, c.kernel, c.kernel, c.in}), bias(backend, {c.out});
  Array<float> grad_weight(backend, weight.view().shape), grad_bias(backend, {c.out});
  fill_random(x, 1), fill_random(weight, 2), fill_random(bias, 3), fill_random(grad_y, 4);
  const Backend::ConvOperands in{x.view(), weight.view(), bias.view()};
  backend.conv2d_pool(params, in, {kept.view(), winners.view()}, y.view());
  backend.conv2d_pool_backward(
      params, in, {kept.view(), winners.view()}, grad_y.view(),
      {input_gradient ? grad_x.view() : View{}, grad_weight.view(), grad_bias.view()});
  std::vector<Values> all{y.floats(), grad_weight.floats(), grad_bias.floats()};
  if (input_gradient) all.push_back(grad_x.floats());
  return all;
}

// Averages only: rounding may change which of two elements is larger. Results between convolution
// and pooling are rounded too, and so is each term of the sums.
TEST_P(Bf16Kernels, PooledConvolutionsAreThoseOfF32) {
  for (const PooledCase& c :
       {PooledCase{17, 28, 28, 1, 6, 5, 2}, PooledCase{9, 14, 14, 6, 16, 5, 0},
        PooledCase{3, 28, 28, 1, 6, 5, 2, Activation::none}, PooledCase{3, 30, 29, 1, 5, 3, 1},
        PooledCase{2, 14, 12, 3, 6, 3, 1, Activation::relu}, PooledCase{0, 28, 28, 1, 6, 5, 2}})
    for (const bool input_gradient : {false, true})
      expect_like_f32(
          [&](auto zero) { return conv_pool<decltype(zero)>(*backend, c, input_gradient); },
          2 * kStored);
}

template <class T>
std::vector<Values> pool(Backend& backend, const Pool2dParams& params, const Shape& shape) {
  const auto side = [](int64_t size, int64_t window, int64_t stride, int64_t padding) {
    return naive::out_size(size, window, stride, padding);
  };
  const Shape out{
      shape[0], side(shape[1], params.window.height, params.stride.height, params.padding.height),
      side(shape[2], params.window.width, params.stride.width, params.padding.width), shape[3]};
  Array<T> x(backend, shape), y(backend, out), grad_y(backend, out), grad_x(backend, shape);
  Array<uint8_t> winners(backend, out);
  fill_random(x, 1), fill_random(grad_y, 2);
  backend.pool2d(params, x.view(), y.view(), winners.view());
  backend.pool2d_backward(params, grad_y.view(), winners.view(), grad_x.view());
  std::vector<Values> all{y.floats(), grad_x.floats()};
  if (params.kind == Pooling::max) all.push_back(winners.floats());
  return all;
}

TEST(Bf16Pooling, IsThatOfF32) {
  const std::unique_ptr<Backend> backend = make_cpu_backend(2);
  for (const Pooling kind : {Pooling::average, Pooling::max})
    for (const Extent window : {Extent{2, 2}, Extent{3, 3}, Extent{1, 3}})
      for (const Extent stride : {Extent{2, 2}, Extent{1, 1}, Extent{3, 3}})
        for (const int64_t channels : {1, 6, 8, 16, 20, 32})
          expect_like_f32([&](auto zero) {
            const Pool2dParams params{kind, window, stride, {0, window.width / 2}};
            return pool<decltype(zero)>(*backend, params, {3, 11, 10, channels});
          });
}

TEST(Bf16LayerNorm, IsThatOfF32) {
  const std::unique_ptr<Backend> backend = make_cpu_backend(2);
  for (const Shape& shape : {Shape{3}, Shape{5, 2}, Shape{4, 7, 64}, Shape{9, 65}, Shape{3000, 24}})
    expect_like_f32([&](auto zero) {
      using T = decltype(zero);
      const int64_t columns = shape.size(-1), rows = shape.elements() / columns;
      Array<T> x(*backend, shape), y(*backend, shape), grad_y(*backend, shape);
      Array<T> grad_x(*backend, shape);
      Array<float> gamma(*backend, {columns}), beta(*backend, {columns});
      Array<float> mean(*backend, {rows}), variance(*backend, {rows});
      Array<float> grad_gamma(*backend, {columns}), grad_beta(*backend, {columns});
      fill_random(x, 1), fill_random(grad_y, 2), fill_random(gamma, 3), fill_random(beta, 4);
      const LayerNormParams params{1e-3};
      const Backend::NormOperands in{x.view(), gamma.view(), beta.view(), {}};
      const Backend::NormStatistics statistics{mean.view(), variance.view()};
      backend->layer_norm(params, in, y.view(), statistics);
      backend->layer_norm_backward(params, in, statistics, grad_y.view(),
                                   {grad_x.view(), grad_gamma.view(), grad_beta.view(), {}});
      return std::vector<Values>{y.floats(),          mean.floats(),      variance.floats(),
                                 grad_gamma.floats(), grad_beta.floats(), grad_x.floats()};
    });
}

// Queries, keys and values are slices of one tensor, as in self-attention.
template <class T>
std::vector<Values> attention(Backend& backend, const Shape& shape, int64_t heads) {
  const Shape packed = shape.with_size(2, 3 * shape[2]);
  Array<T> x(backend, packed), y(backend, shape), grad_y(backend, shape), grad_x(backend, packed);
  Array<float> kept(backend, {shape[0], heads, shape[1]});
  fill_random(x, 1), fill_random(grad_y, 2);
  const auto part = [&](Array<T>& whole, int64_t index) {
    return StridedView{whole.view().template as<T>() + index * shape[2], dtype_of<T>(), shape,
                       contiguous_strides(packed)};
  };
  const Backend::AttentionOperands in{part(x, 0), part(x, 1), part(x, 2), {}};
  backend.attention({heads}, in, kept.view(), y.view());
  backend.attention_backward({heads}, in, kept.view(), grad_y.view(),
                             {part(grad_x, 0), part(grad_x, 1), part(grad_x, 2)});
  return {y.floats(), grad_x.floats(), kept.floats()};
}

TEST(Bf16Attention, IsThatOfF32) {
  const std::unique_ptr<Backend> backend = make_cpu_backend(2);
  for (const auto& [shape, heads] :
       {std::pair(Shape{1, 1, 1}, 1), std::pair(Shape{2, 17, 64}, 4),
        std::pair(Shape{1, 65, 24}, 3), std::pair(Shape{2, 130, 10}, 2)})
    expect_like_f32(
        [&, s = shape, h = heads](auto zero) { return attention<decltype(zero)>(*backend, s, h); });
}

}  // namespace
}  // namespace d2l::test
