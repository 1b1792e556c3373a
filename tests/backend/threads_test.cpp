#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "framework/backend/backend.h"

// Sums are divided by their sizes only, so the CPU's results do not depend on the number of
// threads.
namespace d2l::test {
namespace {

using Floats = std::vector<float>;

Floats random_floats(int64_t count, float low = -2.0f, float high = 2.0f, uint64_t stream = 0) {
  Floats values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = low + (high - low) * random_uniform({42, stream}, i);
  return values;
}

// An output before its kernel runs: unwritten elements fail the comparison.
Floats poisoned(int64_t count) {
  return Floats(static_cast<size_t>(count), std::numeric_limits<float>::quiet_NaN());
}

ConstView in(const Floats& values, const Shape& shape) {
  return {values.data(), DType::f32, shape};
}
ConstView in(const Floats& values) { return in(values, {static_cast<int64_t>(values.size())}); }
ConstView in(const std::vector<int64_t>& values, const Shape& shape) {
  return {values.data(), DType::i64, shape};
}
View out(Floats& values, const Shape& shape) { return {values.data(), DType::f32, shape}; }
View out(Floats& values) { return out(values, {static_cast<int64_t>(values.size())}); }

// Whether all bits are equal, including NaN and signed zeros.
testing::AssertionResult same_bits(const Floats& found, const Floats& expected) {
  if (found.size() != expected.size())
    return testing::AssertionFailure()
           << "expected " << expected.size() << " elements, found " << found.size();
  for (size_t i = 0; i < found.size(); ++i)
    if (std::bit_cast<uint32_t>(found[i]) != std::bit_cast<uint32_t>(expected[i]))
      return testing::AssertionFailure()
             << "element " << i << ": expected " << expected[i] << ", found " << found[i];
  return testing::AssertionSuccess();
}

// Checks that compute(backend), which returns Floats, gives the same bits on 1 and 2 threads.
template <class Compute>
void expect_thread_independent(const Compute& compute) {
  const Floats one = compute(*make_cpu_backend(1));
  EXPECT_TRUE(same_bits(compute(*make_cpu_backend(2)), one));
  make_cpu_backend(1);  // back to only the calling thread
}

void append(Floats& to, const Floats& more) { to.insert(to.end(), more.begin(), more.end()); }

TEST(SameBitsOnAnyNumberOfThreads, Elementwise) {
  expect_thread_independent([](Backend& backend) {
    Floats x = random_floats(1000006), bias = random_floats(7, -1, 1, 5), y = poisoned(1000006);
    backend.unary(Unary::tanh, in(x), out(y));
    backend.binary(Binary::mul, in(y, {142858, 7}), in(bias), out(y, {142858, 7}));
    return y;
  });
}

TEST(SameBitsOnAnyNumberOfThreads, Dropout) {
  expect_thread_independent([](Backend& backend) {
    Floats x = random_floats(100003);
    backend.dropout({0.5, {3, 4}, 2}, in(x), out(x));
    return x;
  });
}

TEST(SameBitsOnAnyNumberOfThreads, Images) {
  const Shape shape{50, 32, 32, 3};
  std::vector<uint8_t> bytes(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<uint8_t>(random_word({3, 4}, i) >> 24);
  std::vector<int64_t> samples;
  for (int64_t i = 0; i < 50; ++i) samples.push_back(1000 * i + 17);
  const Floats mean = random_floats(3), deviation = random_floats(3, 0.1f, 1);
  for (const Augmentation& augmentation :
       {Augmentation{.crop_padding = 4, .flip = 0.5},
        Augmentation{.contrast = 0.4, .saturation = 0.4, .hue = 0.1, .erasing = 0.5}})
    expect_thread_independent([&](Backend& backend) {
      Floats y = poisoned(shape.elements());
      backend.prepare_images(
          {.augmentation = augmentation, .key = {1, 2}},
          {{bytes.data(), DType::u8, shape}, in(samples, {50}), in(mean), in(deviation)},
          out(y, shape));
      return y;
    });
}

TEST(SameBitsOnAnyNumberOfThreads, Reductions) {
  for (const auto& [x_shape, y_shape] : {std::pair<Shape, Shape>{{1000003}, {1}},
                                         {{3001, 10}, {3001, 1}},
                                         {{5, 100003}, {5, 1}},
                                         {{40, 2049}, {40, 1}},
                                         {{256, 10}, {1, 10}},
                                         {{100003, 3}, {1, 3}},
                                         {{100001, 2}, {1, 2}},
                                         {{3001, 64}, {1, 64}},
                                         {{300, 5001}, {1, 5001}},
                                         {{8, 49, 64}, {8, 1, 64}},
                                         {{3, 4001, 5}, {3, 1, 5}},
                                         {{7, 5, 40, 3}, {1, 5, 1, 3}},
                                         {{7, 5, 40, 3}, {7, 1, 40, 1}},
                                         {{64, 30, 700}, {1, 30, 1}}})
    expect_thread_independent([&, from = x_shape, to = y_shape](Backend& backend) {
      Floats sums = poisoned(to.elements());
      backend.reduce(Reduction::sum, in(random_floats(from.elements()), from), out(sums, to));
      return sums;
    });
}

// Windows, sums of columns, and windows that overlap across the threads' shares: several indices
// refer to one output element.
TEST(SameBitsOnAnyNumberOfThreads, CopiesIntoOverlappingElements) {
  expect_thread_independent([](Backend& backend) {
    Floats from = random_floats(400000), all;
    for (const auto& [shape, step, first, second, size] :
         {std::tuple(Shape{50000, 3}, 3, 1, 1, 50002),
          {Shape{20000, 5}, 5, 0, 1, 5},
          {Shape{20000, 5}, 5, 1, 0, 20000},
          {Shape{1000, 400}, 400, 1, 1, 1399}}) {
      Floats to(static_cast<size_t>(size), 0.5f);
      backend.copy({from.data(), DType::f32, shape, {step, 1}},
                   {to.data(), DType::f32, shape, {first, second}}, true);
      append(all, to);
    }
    return all;
  });
}

TEST(SameBitsOnAnyNumberOfThreads, RowsThatAreAdded) {
  for (int64_t columns : {1, 13, 500})
    expect_thread_independent([columns](Backend& backend) {
      std::vector<int64_t> indices;
      for (int64_t i = 0; i < 700; ++i) indices.push_back(i * i % 11);
      Floats rows = random_floats(700 * columns), table(static_cast<size_t>(11 * columns), 1.0f);
      backend.scatter_add_rows(in(rows, {700, columns}), in(indices, {700}),
                               out(table, {11, columns}));
      return table;
    });
}

TEST(SameBitsOnAnyNumberOfThreads, LayerNorm) {
  expect_thread_independent([](Backend& backend) {
    const Shape shape{2000, 40};
    Floats x = random_floats(shape.elements()), gamma = random_floats(40);
    Floats y = poisoned(shape.elements()), mean = poisoned(2000), variance = mean;
    Floats grad_gamma = poisoned(40), grad_beta = poisoned(40);
    const Backend::NormOperands operands{in(x, shape), in(gamma), in(gamma), {}};
    backend.layer_norm({}, operands, out(y, shape), {out(mean), out(variance)});
    Floats all = y;
    backend.layer_norm_backward({}, operands, {out(mean), out(variance)}, in(x, shape),
                                {out(y, shape), out(grad_gamma), out(grad_beta), {}});
    for (const Floats& part : {y, grad_gamma, grad_beta}) append(all, part);
    return all;
  });
}

TEST(SameBitsOnAnyNumberOfThreads, Attention) {
  expect_thread_independent([](Backend& backend) {
    const Shape shape{5, 70, 48};
    Floats x = random_floats(shape.elements()), y = poisoned(shape.elements());
    Floats kept = poisoned(5 * 3 * 70);
    Floats grads[3] = {y, y, y};
    const ConstStridedView view = strided(in(x, shape));
    const Backend::AttentionOperands operands{view, view, view, {}};
    backend.attention({.heads = 3}, operands, out(kept, {5, 3, 70}), out(y, shape));
    backend.attention_backward({.heads = 3}, operands, out(kept, {5, 3, 70}), in(x, shape),
                               {strided(out(grads[0], shape)), strided(out(grads[1], shape)),
                                strided(out(grads[2], shape))});
    for (const Floats& grad : grads) append(y, grad);
    return y;
  });
}

TEST(SameBitsOnAnyNumberOfThreads, CrossEntropy) {
  for (const Shape& shape : {Shape{9001, 10}, Shape{301, 700}})
    expect_thread_independent([&](Backend& backend) {
      std::vector<int64_t> labels;
      for (int64_t i = 0; i < shape[0]; ++i) labels.push_back((i * 7919 + 3) % shape[1]);
      Floats x = random_floats(shape.elements(), -5, 5), y = poisoned(shape.elements());
      Floats losses = poisoned(shape[0]), correct = poisoned(shape[0]);
      backend.cross_entropy(in(x, shape), in(labels, {shape[0]}), out(losses), out(y, shape),
                            out(correct));
      append(losses, y);
      return losses;
    });
}

TEST(SameBitsOnAnyNumberOfThreads, Optimizers) {
  const std::vector<StepRange> ranges = {{.begin = 1, .end = 17, .lr = 0.5},
                                         {.begin = 17, .end = 40000, .weight_decay = 0},
                                         {.begin = 50000, .end = 50001, .lr = 2},
                                         {.begin = 50001, .end = 90000, .weight_decay = 3}};
  expect_thread_independent([&](Backend& backend) {
    const Floats gradient = random_floats(1000003, -1, 1, 2);
    Floats value = random_floats(1000003), mean(1000003, 0.0f), square = mean, moved = gradient;
    backend.adam_step({.weight_decay = 0.1}, in(gradient), out(value), out(mean), out(square));
    backend.sgd_step({.momentum = 0.9}, in(gradient), out(value), out(mean));
    backend.lamb_direction({.weight_decay = 0.1}, out(moved), in(value), out(mean), out(square));
    append(value, moved);
    Floats norms = poisoned(4);
    backend.norms(ranges, in(value), out(norms));
    append(value, norms);
    return value;
  });
}

// With CpuSums::same_on_any_threads, operations are divided by their shapes alone. Checks that
// compute(backend) gives the same bits on 1, 2 and 3 threads, and nearly those of CpuSums::fast.
template <class Compute>
void expect_pieces(const std::string& what, const Compute& compute) {
  const auto found = [&](int threads) {
    return compute(*make_cpu_backend(threads, nullptr, CpuSums::same_on_any_threads));
  };
  const Floats one = found(1);
  for (const int threads : {2, 3}) EXPECT_TRUE(same_bits(found(threads), one)) << what;
  const Floats fast = compute(*make_cpu_backend(2));
  ASSERT_EQ(one.size(), fast.size());
  double difference = 0, size = 0;
  for (size_t i = 0; i < one.size(); ++i) {
    difference = std::max(difference, std::abs(double{one[i]} - double{fast[i]}));
    size = std::max(size, std::abs(double{fast[i]}));
  }
  EXPECT_LT(difference, 1e-5 * size) << what;
  make_cpu_backend(1);  // back to only the calling thread
}

TEST(SameBitsOnAnyNumberOfThreads, MatrixProductsInPieces) {
  struct Case {
    int64_t m, n, k;
  };
  for (const auto& [m, n, k] : {Case{300, 70, 2000},
                                {70, 300, 2000},
                                {1000, 1001, 33},
                                {1, 7, 9},
                                {10, 84, 5000},
                                {64, 1000, 500}})
    for (const bool transpose_a : {false, true})
      for (const bool transpose_b : {false, true})
        expect_pieces(
            concat(m, " x ", n, " x ", k, transpose_a ? ", a^T" : "", transpose_b ? ", b^T" : ""),
            [&, m = m, n = n, k = k](Backend& backend) {
              const Floats a = random_floats(m * k), b = random_floats(k * n, -1, 1, 1);
              const Floats bias = random_floats(n, -1, 1, 2);
              Floats y = poisoned(m * n);
              backend.matmul({.transpose_a = transpose_a, .transpose_b = transpose_b},
                             in(a, transpose_a ? Shape{k, m} : Shape{m, k}),
                             in(b, transpose_b ? Shape{n, k} : Shape{k, n}), in(bias, {n}),
                             out(y, {m, n}));
              return y;
            });
}

TEST(SameBitsOnAnyNumberOfThreads, ConvolutionsInPieces) {
  struct Case {
    Shape x, weight;
    int64_t stride, padding;
  };
  for (const Case& c : {Case{{20, 16, 12, 20}, {24, 3, 3, 20}, 2, 1},
                        {{33, 14, 14, 64}, {32, 1, 1, 64}, 1, 0},
                        {{7, 40, 40, 3}, {16, 7, 7, 3}, 2, 3},
                        {{300, 4, 4, 32}, {48, 3, 3, 32}, 2, 1},
                        {{2, 9, 9, 5}, {7, 4, 2, 5}, 1, 0}})
    expect_pieces(concat(c.x, " with ", c.weight), [&](Backend& backend) {
      const Conv2dParams params{.stride = {c.stride, c.stride}, .padding = {c.padding, c.padding}};
      const auto extent = [&](int axis) {
        return (c.x[axis] + 2 * c.padding - c.weight[axis]) / c.stride + 1;
      };
      const Shape y_shape{c.x[0], extent(1), extent(2), c.weight[0]}, o{c.weight[0]};
      const Floats x = random_floats(c.x.elements()), w = random_floats(c.weight.elements());
      const Floats bias = random_floats(c.weight[0]), grad = random_floats(y_shape.elements());
      Floats y = poisoned(y_shape.elements()), grad_x = poisoned(c.x.elements());
      Floats grad_w = poisoned(c.weight.elements()), grad_bias = poisoned(c.weight[0]);
      backend.conv2d(params, {in(x, c.x), in(w, c.weight), in(bias, o)}, out(y, y_shape));
      backend.conv2d_backward_input(params, in(grad, y_shape), in(w, c.weight), out(grad_x, c.x),
                                    false);
      backend.conv2d_backward_weight(params, in(x, c.x), in(grad, y_shape), out(grad_w, c.weight),
                                     out(grad_bias, o));
      for (const Floats& part : {grad_x, grad_w, grad_bias}) append(y, part);
      return y;
    });
}

}  // namespace
}  // namespace d2l::test
