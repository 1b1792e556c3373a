#include "framework/backend/cpu/lanes.h"
#include "tests/backend/bf16_ways.h"
#include "tests/backend/naive.h"

namespace d2l::test {
namespace {

using naive::Array;
using naive::Doubles;

struct Case {
  int64_t batch, height, width, in, out, kernel, stride, padding;
  Activation activation = Activation::none;
  bool bias = true;
  double error = 1;  // error of minimal filtering relative to the small shapes'
};

// Images are stored as T; weights and biases are floats.
class Convolution : public testing::TestWithParam<Case> {
 protected:
  static Shape y_shape(const Case& c) {
    return {c.batch, naive::out_size(c.height, c.kernel, c.stride, c.padding),
            naive::out_size(c.width, c.kernel, c.stride, c.padding), c.out};
  }

  // The error of storing results as T, added to a kernel's own error.
  template <class T>
  static double stored(double tolerance) {
    return std::is_same_v<T, Bfloat16> ? tolerance + 1.0 / 256 : tolerance;
  }
  // Minimal filtering (winograd.h) subtracts numbers larger than its sums, so its error grows with
  // their size.
  double tolerance(double direct, double filtered) const {
    bool is_filtered = c.in % 16 == 0 && c.out % 16 == 0 && c.stride == 1 && c.kernel > 1;
    return is_filtered ? c.error * filtered : direct;
  }
  // Numbers that are exact in both types.
  void random_weight() {
    weight.random(2), bias.random(3);
    for (int64_t i = 0; i < weight.count(); ++i)
      weight[i] = static_cast<float>(Bfloat16(weight[i]));
  }

  template <class T>
  void expect_forward() {
    Array<T> x(*backend, x_shape), y(*backend, y_shape(c));
    x.random(1), random_weight();
    Doubles expected(static_cast<size_t>(y.count()), 0.0);
    naive::for_products(params, x_shape, weight_shape, y.view().shape,
                        [&](int64_t i, int64_t w, int64_t o) {
                          expected[o] += static_cast<double>(x[i]) * static_cast<double>(weight[w]);
                        });
    for (size_t i = 0; i < expected.size(); ++i) {
      if (c.bias) expected[i] += static_cast<double>(bias[static_cast<int64_t>(i) % c.out]);
      expected[i] = naive::activate(c.activation, expected[i]);
    }
    auto run = [&] {
      y.poison();
      backend->conv2d(params, {x.view(), weight.view(), c.bias ? bias.view() : View{}}, y.view());
      return y.floats();
    };
    auto first = run();
    EXPECT_TRUE(naive::close(first, expected, stored<T>(tolerance(2e-5, 2e-4))));
    EXPECT_EQ(first, run());
  }

  template <class T>
  void expect_backward_input() {
    Array<T> x(*backend, x_shape), y(*backend, y_shape(c));
    y.random(1), random_weight();
    Doubles expected(static_cast<size_t>(x.count()), 0.0);
    naive::for_products(params, x_shape, weight_shape, y.view().shape,
                        [&](int64_t i, int64_t w, int64_t o) {
                          expected[i] += static_cast<double>(y[o]) * static_cast<double>(weight[w]);
                        });
    auto run = [&] {
      x.poison();
      backend->conv2d_backward_input(params, y.view(), weight.view(), x.view(), false);
      return x.floats();
    };
    auto first = run();
    EXPECT_TRUE(naive::close(first, expected, stored<T>(tolerance(2e-5, 2e-4))));
    EXPECT_EQ(first, run());
    Array<T> sum(*backend, x_shape), added(*backend, x_shape);
    sum.random(7), added.random(7);
    backend->binary(Binary::add, sum.view(), x.view(), sum.view());
    backend->conv2d_backward_input(params, y.view(), weight.view(), added.view(), true);
    EXPECT_EQ(added.floats(), sum.floats());
  }

  template <class T>
  void expect_backward_weight() {
    Array<T> x(*backend, x_shape), y(*backend, y_shape(c));
    x.random(1), y.random(2);
    Doubles expected(static_cast<size_t>(weight.count()), 0.0);
    Doubles expected_bias(static_cast<size_t>(c.out), 0.0);
    naive::for_products(params, x_shape, weight_shape, y.view().shape,
                        [&](int64_t i, int64_t w, int64_t o) {
                          expected[w] += static_cast<double>(x[i]) * static_cast<double>(y[o]);
                        });
    for (int64_t i = 0; i < y.count(); ++i) expected_bias[i % c.out] += static_cast<double>(y[i]);
    auto run = [&] {
      weight.poison(), bias.poison();
      backend->conv2d_backward_weight(params, x.view(), y.view(), weight.view(),
                                      c.bias ? bias.view() : View{});
      return weight.values();
    };
    auto first = run();
    EXPECT_TRUE(naive::close(first, expected, tolerance(1e-4, 1e-4)));
    if (c.bias) {
      EXPECT_TRUE(naive::close(bias.values(), expected_bias, 1e-4));
    }
    EXPECT_EQ(first, run());
  }

  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  Case c = GetParam();
  Conv2dParams params{{c.stride, c.stride}, {c.padding, c.padding}, c.activation};
  Shape x_shape{c.batch, c.height, c.width, c.in};
  Shape weight_shape{c.out, c.kernel, c.kernel, c.in};
  Array<float> weight{*backend, weight_shape}, bias{*backend, {c.out}};
};

TEST_P(Convolution, ForwardIsTheSumOfProducts) { expect_forward<float>(); }
TEST_P(Convolution, BackwardInputReturnsEachProduct) { expect_backward_input<float>(); }
TEST_P(Convolution, BackwardWeightSumsOverPixels) { expect_backward_weight<float>(); }

TEST_P(Convolution, ComputesImagesInBf16) {
  for (const cpu::Bf16Products way : bf16_ways()) {
    SCOPED_TRACE(testing::PrintToString(way));
    const cpu::ForcedBf16Products forced(way);
    expect_forward<Bfloat16>();
    expect_backward_input<Bfloat16>();
    expect_backward_weight<Bfloat16>();
  }
}

TEST_P(Convolution, SteadyStateAsksTheSystemForNothing) {
  Array<float> x(*backend, x_shape), y(*backend, y_shape(c));
  x.random(1), weight.random(2), bias.random(3);
  Array<float> grad_weight(*backend, weight_shape), grad_bias(*backend, {c.out});
  auto step = [&] {
    backend->conv2d(params, {x.view(), weight.view(), bias.view()}, y.view());
    backend->conv2d_backward_weight(params, x.view(), y.view(), grad_weight.view(),
                                    grad_bias.view());
    backend->conv2d_backward_input(params, y.view(), weight.view(), x.view(), false);
  };
  step();
  uint64_t before = backend->pool().stats().system_allocations;
  for (int i = 0; i < 3; ++i) step();
  EXPECT_EQ(backend->pool().stats().system_allocations, before);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Convolution,
    testing::Values(
        // LeNet's layers and similar ones
        Case{17, 28, 28, 1, 6, 5, 1, 2, Activation::sigmoid},
        Case{17, 14, 14, 6, 16, 5, 1, 0, Activation::sigmoid},
        Case{3, 28, 28, 1, 6, 5, 1, 2, Activation::none, false},
        Case{3, 28, 28, 1, 6, 5, 1, 2, Activation::tanh},
        Case{3, 28, 28, 1, 6, 5, 1, 2, Activation::relu}, Case{3, 29, 17, 1, 6, 5, 1, 0},
        Case{2, 7, 5, 1, 1, 3, 1, 1}, Case{5, 28, 28, 1, 20, 5, 1, 0, Activation::relu},
        Case{2, 33, 45, 1, 10, 3, 1, 1, Activation::tanh}, Case{2, 28, 28, 1, 32, 3, 1, 1},
        Case{2, 16, 16, 1, 7, 4, 2, 1}, Case{1, 14, 14, 6, 16, 5, 1, 0, Activation::none, false},
        Case{3, 14, 13, 6, 16, 5, 1, 2, Activation::relu}, Case{2, 40, 70, 1, 5, 1, 1, 0},
        Case{3, 12, 12, 20, 50, 5, 1, 0, Activation::relu}, Case{2, 15, 11, 6, 32, 3, 2, 1},
        // images with 3 channels
        Case{3, 32, 32, 3, 64, 3, 1, 1, Activation::relu},
        Case{1, 56, 57, 3, 64, 7, 2, 3, Activation::relu}, Case{1, 64, 64, 3, 96, 11, 4, 1},
        Case{2, 9, 9, 3, 16, 3, 1, 1, Activation::none, false}, Case{2, 32, 32, 3, 6, 5, 1, 0},
        // rows of taps: odd widths, blocks of 3 and of 2 vectors, 2 and 4 channels
        Case{3, 60, 59, 1, 80, 11, 4, 1}, Case{2, 20, 33, 4, 48, 3, 2, 1, Activation::relu, false},
        Case{1, 17, 18, 2, 16, 4, 1, 0, Activation::relu},
        // many channels
        Case{3, 8, 9, 16, 16, 3, 1, 1, Activation::relu}, Case{1, 7, 7, 64, 64, 3, 2, 1},
        Case{3, 9, 7, 64, 20, 1, 1, 0, Activation::sigmoid}, Case{2, 8, 8, 20, 64, 1, 2, 0},
        Case{1, 5, 5, 16, 6, 5, 1, 0}, Case{2, 10, 10, 16, 3, 3, 3, 2},
        Case{2, 6, 6, 64, 64, 5, 1, 2, Activation::tanh},
        // minimal filtering: odd sizes, paddings, half panels, weights larger than a core's cache
        Case{2, 9, 14, 48, 80, 3, 1, 1, Activation::relu}, Case{3, 6, 5, 32, 16, 3, 1, 0},
        Case{1, 4, 7, 16, 32, 3, 1, 2, Activation::none, false}, Case{2, 13, 6, 32, 48, 5, 1, 2},
        Case{2, 8, 7, 16, 16, 5, 1, 0, Activation::relu}, Case{1, 3, 3, 16, 16, 3, 1, 1},
        Case{25, 3, 3, 176, 208, 3, 1, 1, Activation::relu},
        Case{30, 6, 5, 112, 144, 3, 1, 1, Activation::none, true, 3},
        // and more tiles than are summed at once
        Case{30, 12, 9, 96, 48, 3, 1, 1, Activation::none, true, 4},
        Case{20, 20, 21, 16, 32, 3, 1, 1, Activation::none, true, 2},
        // pairs of images: an odd number of them, strides, half panels, few products
        Case{5, 9, 14, 48, 80, 3, 2, 1, Activation::relu}, Case{3, 3, 3, 32, 48, 3, 1, 1},
        Case{1, 7, 8, 16, 32, 1, 1, 0}, Case{2, 6, 6, 32, 16, 5, 1, 2},
        Case{7, 20, 21, 16, 48, 5, 3, 2, Activation::none, false}, Case{2, 2, 2, 16, 16, 5, 2, 4},
        // small images: an overlapping block of images, half windows, positions without a window
        Case{11, 3, 3, 32, 64, 3, 1, 1, Activation::relu}, Case{8, 6, 5, 32, 32, 3, 2, 1},
        Case{19, 9, 9, 64, 32, 2, 3, 0, Activation::none, false}, Case{9, 4, 4, 34, 32, 3, 1, 1},
        // more than one slice of f32 copies
        Case{40, 28, 28, 20, 36, 3, 2, 1}, Case{70, 20, 20, 24, 40, 1, 1, 0},
        // nothing odd channel counts with 1 x 1 kernels, and taps that only see padding
        Case{17, 24, 24, 12, 24, 1, 2, 0}, Case{17, 28, 28, 10, 24, 1, 2, 0},
        Case{7, 12, 12, 4, 8, 1, 2, 0}, Case{17, 10, 15, 20, 7, 1, 1, 0},
        Case{3, 6, 20, 10, 1, 1, 2, 0}, Case{4, 1, 1, 24, 24, 3, 2, 1},
        Case{2, 12, 1, 50, 64, 5, 2, 2}, Case{0, 9, 9, 12, 24, 1, 2, 0},
        Case{0, 28, 28, 1, 6, 5, 1, 2, Activation::sigmoid}, Case{0, 14, 14, 6, 16, 5, 1, 0},
        Case{0, 8, 8, 64, 64, 3, 1, 1}));

TEST(ConvolutionThreads, MinimalFilteringDoesNotDependOnThem) {
  if (!cpu::has_wide_vectors()) GTEST_SKIP() << "d2l's own kernels need AVX-512";
  for (int64_t out : {32, 48}) {
    std::vector<std::vector<float>> found;
    for (int threads : {1, 2, 3}) {
      auto backend = make_cpu_backend(threads);
      const Conv2dParams params{{1, 1}, {1, 1}};
      Array<float> x(*backend, {30, 12, 9, 32}), y(*backend, {30, 12, 9, out});
      Array<float> weight(*backend, {out, 3, 3, 32}), bias(*backend, {out});
      x.random(1), weight.random(2), bias.random(3);
      backend->conv2d(params, {x.view(), weight.view(), bias.view()}, y.view());
      found.push_back(y.values());
      backend->conv2d_backward_weight(params, x.view(), y.view(), weight.view(), bias.view());
      found.push_back(weight.values());
      found.push_back(bias.values());
    }
    for (size_t i = 3; i < found.size(); ++i) EXPECT_EQ(found[i % 3], found[i]);
  }
}

// More tiles than fit into a cache, and panels of weights shared by threads: each image has the
// same result as among few images.
TEST(ConvolutionThreads, MinimalFilteringOfManyImagesIsThatOfFew) {
  if (!cpu::has_wide_vectors()) GTEST_SKIP() << "d2l's own kernels need AVX-512";
  const Conv2dParams params{{1, 1}, {1, 1}};
  const int64_t many = 500, few = 50, image = 6 * 6;
  for (int threads : {1, 2, 8}) {
    auto backend = make_cpu_backend(threads);
    Array<float> x(*backend, {many, 6, 6, 128}), weight(*backend, {112, 3, 3, 128});
    Array<float> y(*backend, {many, 6, 6, 112}), part(*backend, {few, 6, 6, 112});
    x.random(1), weight.random(2);
    backend->conv2d(params, {x.view(), weight.view(), {}}, y.view());
    const std::vector<float> all = y.values();
    for (int64_t first = 0; first < many; first += few) {
      const ConstView some(x.view().as<float>() + first * image * 128, DType::f32,
                           {few, 6, 6, 128});
      backend->conv2d(params, {some, weight.view(), {}}, part.view());
      const auto begin = all.begin() + first * image * 112;
      ASSERT_EQ(part.values(), std::vector<float>(begin, begin + few * image * 112))
          << threads << " threads, images from " << first;
    }
  }
}

// The sum over images is divided by the shape only, so the number of threads does not change the
// results of d2l's own kernels.
TEST(ConvolutionThreads, LeNetsWeightGradientsDoNotDependOnThem) {
  if (!cpu::has_wide_vectors()) GTEST_SKIP() << "d2l's own kernels need AVX-512";
  std::vector<std::vector<float>> found;
  for (int threads : {1, 2}) {
    auto backend = make_cpu_backend(threads);
    for (auto [size, in, out, padding] : {std::tuple{28, 1, 6, 2}, std::tuple{14, 6, 16, 0}}) {
      Array<float> x(*backend, {85, size, size, in});
      int64_t out_size = naive::out_size(size, 5, 1, padding);
      Array<float> grad_y(*backend, {85, out_size, out_size, out});
      Array<float> grad_weight(*backend, {out, 5, 5, in}), grad_bias(*backend, {out});
      x.random(1), grad_y.random(2);
      backend->conv2d_backward_weight({{1, 1}, {padding, padding}}, x.view(), grad_y.view(),
                                      grad_weight.view(), grad_bias.view());
      found.push_back(grad_weight.values());
    }
  }
  EXPECT_EQ(found[0], found[2]);
  EXPECT_EQ(found[1], found[3]);
}

}  // namespace
}  // namespace d2l::test
