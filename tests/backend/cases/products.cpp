#include <array>
#include <cmath>

#include "tests/backend/cases/compare.h"
#include "tests/backend/naive.h"

namespace d2l::test {
namespace {

struct PlainProducts {
  void matmul(const MatmulParams& p, const ConstView& a, const ConstView& b, const ConstView& bias,
              const View& out) const {
    const Doubles left = doubles(a), right = doubles(b), added = doubles(bias);
    const int64_t m = out.shape.size(-2), n = out.shape.size(-1);
    const int64_t k = a.shape.size(p.transpose_a ? -2 : -1);
    Doubles sums;
    for (int64_t s = 0; s < out.shape.elements(0, out.shape.rank() - 2); ++s)
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < n; ++j) {
          double sum = bias ? added[j] : 0;
          for (int64_t l = 0; l < k; ++l)
            sum += left[s * m * k + (p.transpose_a ? l * m + i : i * k + l)] *
                   right[s * k * n + (p.transpose_b ? j * k + l : l * n + j)];
          sums.push_back(naive::activate(p.activation, sum));
        }
    store(out, sums);
  }
};

constexpr Activation kActivations[] = {Activation::none, Activation::relu, Activation::sigmoid,
                                       Activation::tanh};

struct ProductTypes {
  DType a = DType::f32, b = DType::f32, out = DType::f32;

  bool half() const { return is_half(a) || is_half(b); }
};

std::vector<ProductTypes> same_types() {
  std::vector<ProductTypes> types;
  for (DType dtype : floats()) types.push_back({dtype, dtype, dtype});
  return types;
}

// All combinations that the CPU also supports: for f32 factors only f32 products.
std::vector<ProductTypes> all_types() {
  std::vector<ProductTypes> types;
  for (DType half : floats())
    for (DType a : {DType::f32, half})
      for (DType b : {DType::f32, half})
        for (DType out : {DType::f32, half}) {
          const ProductTypes next{a, b, out};
          if (half == DType::f32 ? types.empty() : next.half()) types.push_back(next);
        }
  return types;
}

struct ProductCase {
  int64_t batches, m, n, k;  // 0 batches: matrices
  MatmulParams params = {};
  ProductTypes types = {};
  bool bias = false;

  Shape stored(bool transposed, int64_t rows, int64_t columns) const {
    if (transposed) std::swap(rows, columns);
    return batches == 0 ? Shape{rows, columns} : Shape{batches, rows, columns};
  }
  Arguments arguments() const {
    return {{random_tensor(stored(params.transpose_a, m, k), types.a),
             random_tensor(stored(params.transpose_b, k, n), types.b), random_tensor({n})},
            {unwritten(stored(false, m, n), types.out)}};
  }
  Kernel kernel() const {
    return [*this](Backend& on, const Inputs& in, const Outputs& out) {
      on.matmul(params, in[0], in[1], bias ? in[2] : ConstView{}, out[0]);
    };
  }
};

// For sums of k products of numbers from [-2, 2).
Tolerances tolerances_of(bool half, int64_t k) {
  const double magnitude = 4.0 / 3 * std::sqrt(static_cast<double>(std::max<int64_t>(k, 1)));
  return (half ? tolerances::kProductOf16Bits : tolerances::kProduct).scaled(magnitude);
}

testing::AssertionResult multiplies(const ProductCase& p) {
  return agree<PlainProducts>(
             p.arguments(),
             [&](auto& on, const Inputs& in, const Outputs& out) {
               on.matmul(p.params, in[0], in[1], p.bias ? in[2] : ConstView{}, out[0]);
             },
             tolerances_of(p.types.half(), p.k))
         << "; [" << p.batches << ", " << p.m << ", " << p.n << ", " << p.k << "], transposed "
         << p.params.transpose_a << p.params.transpose_b << ", " << to_string(p.types.a) << " x "
         << to_string(p.types.b) << " -> " << to_string(p.types.out) << ", bias " << p.bias
         << ", activation " << static_cast<int>(p.params.activation);
}

TEST(Products, OfAllTypesAndOrders) {
  for (const ProductTypes& types : all_types())
    for (bool transpose_a : {false, true})
      for (bool transpose_b : {false, true}) {
        const MatmulParams params{transpose_a, transpose_b};
        EXPECT_TRUE(multiplies({0, 17, 29, 13, params, types}));
        EXPECT_TRUE(multiplies({3, 8, 16, 24, params, types}));
      }
}

TEST(Products, WithBiasAndActivation) {
  for (const ProductTypes& types : all_types())
    for (Activation activation : kActivations)
      for (bool bias : {false, true}) {
        const MatmulParams params{false, true, activation};
        EXPECT_TRUE(multiplies({0, 33, 24, 40, params, types, bias}));
        EXPECT_TRUE(multiplies({2, 5, 7, 11, params, types, bias}));
      }
}

TEST(Products, OfManySizes) {
  for (const ProductTypes& types : same_types())
    for (const auto& [m, n, k] : {std::array<int64_t, 3>{1, 1, 1},
                                  {1, 300, 7},
                                  {300, 1, 7},
                                  {5, 9, 1},
                                  {3, 2, 5000},
                                  {64, 64, 64},
                                  {85, 256, 784},
                                  {256, 85, 128},
                                  {130, 66, 257},
                                  {1, 1, 4096}})
      for (bool transpose_a : {false, true})
        EXPECT_TRUE(multiplies({0, m, n, k, {transpose_a, !transpose_a}, types, m % 2 == 1}));
}

// The products of a perceptron and LeNet, forward and backward, and small or odd sizes.
const std::vector<ProductCase>& layers() {
  constexpr Activation kRelu = Activation::relu, kSigmoid = Activation::sigmoid;
  static const std::vector<ProductCase> all = {
      {0, 85, 256, 784, {false, true, kRelu}, {}, true},
      {0, 256, 784, 85, {true, false}},
      {0, 85, 784, 256},
      {0, 17, 120, 400, {false, true, kSigmoid}, {}, true},
      {0, 17, 84, 120, {false, true, Activation::tanh}, {}, true},
      {0, 17, 10, 84, {false, true}, {}, true},
      {0, 17, 84, 10},
      {0, 10, 84, 17, {true, false}},
      {0, 33, 29, 31, {true, true}, {}, true},
      {0, 1, 1, 1, {}, {}, true},
      {0, 1, 7, 300},
      {0, 5, 9, 1},
      {0, 64, 1, 65, {false, true}},
      {3, 5, 11, 7},
      {3, 5, 11, 7, {true, false}},
      {3, 5, 11, 7, {false, true}, {}, true},
      {8, 33, 33, 16, {false, true, kRelu}},
      {2, 4, 5, 6, {true, true}},
      {0, 3, 2, 5000},
  };
  return all;
}

TEST(Products, OfLayers) {
  for (const ProductCase& p : layers()) EXPECT_TRUE(multiplies(p));
}

TEST(Products, OfManyStacks) {
  for (const ProductTypes& types : same_types())
    for (const auto& [batches, m, n, k] :
         {std::array<int64_t, 4>{1, 4, 6, 5}, {64, 3, 3, 8}, {7, 1, 9, 33}, {5, 32, 64, 16}})
      for (bool transpose_b : {false, true})
        EXPECT_TRUE(multiplies({batches, m, n, k, {false, transpose_b}, types}));
}

TEST(Products, OfNothing) {
  for (const ProductTypes& types : all_types()) {
    EXPECT_TRUE(multiplies({0, 0, 5, 7, {}, types, true}));
    EXPECT_TRUE(multiplies({0, 0, 7, 5, {false, true}, types, true}));
    EXPECT_TRUE(multiplies({0, 6, 0, 3, {}, types}));
    EXPECT_TRUE(multiplies({0, 6, 3, 0, {true, false}, types}));
    EXPECT_TRUE(multiplies({0, 4, 5, 0, {}, types}));
    EXPECT_TRUE(multiplies({0, 4, 5, 0, {false, false, Activation::sigmoid}, types, true}));
    EXPECT_TRUE(multiplies({0, 4, 5, 0, {true, false, Activation::sigmoid}, types, true}));
    EXPECT_TRUE(multiplies({2, 4, 5, 0, {false, true, Activation::relu}, types, true}));
    EXPECT_TRUE(multiplies({0, 4, 5, 3, {}, types, true}));  // the same outputs with k > 0
  }
}

TEST(Products, AtAnyAddress) {
  const int64_t m = 24, n = 40, k = 16;
  for (DType dtype : floats())
    for (int64_t first : {1, 2, 4, 8})
      EXPECT_TRUE(agree<PlainProducts>(
          {{random_tensor({m * k + first}, dtype), random_tensor({k * n + first}, dtype),
            random_tensor({n + first})},
           {zeros(host(), {m * n + first}, dtype)}},
          [=](auto& on, const Inputs& in, const Outputs& out) {
            on.matmul(MatmulParams{false, false, Activation::relu}, part(in[0], first, {m, k}),
                      part(in[1], first, {k, n}), part(in[2], first, {n}),
                      part(out[0], first, {m, n}));
          },
          tolerances_of(is_half(dtype), k)))
          << to_string(dtype) << " at element " << first;
}

TEST(Products, RepeatTheirBitsWithoutMoreMemory) {
  std::vector<ProductCase> all = layers();
  all.push_back({0, 40, 24, 3000});
  for (DType dtype : floats()) all.push_back({0, 32, 64, 48, {}, {DType::f32, dtype, dtype}});
  for (const ProductCase& p : all) EXPECT_TRUE(repeats(p.arguments(), p.kernel()));
}

}  // namespace
}  // namespace d2l::test
