#include <cmath>

#include "framework/backend/cuda_module.h"
#include "tests/backend/cuda/compare.h"

namespace d2l::test {
namespace {

constexpr Activation kActivations[] = {Activation::none, Activation::relu, Activation::sigmoid,
                                       Activation::tanh};

// Sums of k products of numbers from [-2, 2) are about this large.
double magnitude(int64_t k) {
  return 4.0 / 3 * std::sqrt(static_cast<double>(std::max<int64_t>(k, 1)));
}

Tolerance within(double tolerance, int64_t k) { return {tolerance, tolerance * magnitude(k)}; }

struct Types {
  DType a = DType::f32, b = DType::f32, out = DType::f32;

  bool half() const { return is_half(a) || is_half(b); }
};

std::vector<Types> same_types() {
  std::vector<Types> types;
  for (DType dtype : multiplied_floats()) types.push_back({dtype, dtype, dtype});
  return types;
}

// All that the CPU multiplies too: of f32 factors it has f32 products only.
std::vector<Types> all_types() {
  std::vector<Types> types;
  for (DType half : multiplied_floats())
    for (DType a : {DType::f32, half})
      for (DType b : {DType::f32, half})
        for (DType out : {DType::f32, half}) {
          const Types next{a, b, out};
          if (half == DType::f32 ? types.empty() : next.half()) types.push_back(next);
        }
  return types;
}

struct Product {
  int64_t batches, m, n, k;  // no batches: matrices
  MatmulParams params = {};
  Types types = {};
  bool bias = false;
};

Shape stored(const Product& p, bool transposed, int64_t rows, int64_t columns) {
  if (transposed) std::swap(rows, columns);
  return p.batches == 0 ? Shape{rows, columns} : Shape{p.batches, rows, columns};
}

// f32: 1e-5 of the sums' size. 16 bits: results keep 8 bits, and so does what is added to them.
Tolerance tolerance_of(const Product& p) { return within(p.types.half() ? 2e-2 : 1e-5, p.k); }

testing::AssertionResult multiplies(const Product& p) {
  const MatmulParams params = p.params;
  const bool bias = p.bias;
  return like_cpu(
             {{random_tensor(stored(p, params.transpose_a, p.m, p.k), p.types.a),
               random_tensor(stored(p, params.transpose_b, p.k, p.n), p.types.b),
               random_tensor({p.n})},
              {unwritten(stored(p, false, p.m, p.n), p.types.out)}},
             [=](Backend& on, const auto& in, const auto& out) {
               on.matmul(params, in[0], in[1], bias ? in[2] : ConstView{}, out[0]);
             },
             tolerance_of(p))
         << "; [" << p.batches << ", " << p.m << ", " << p.n << ", " << p.k << "], transposed "
         << params.transpose_a << params.transpose_b << ", " << to_string(p.types.a) << " x "
         << to_string(p.types.b) << " -> " << to_string(p.types.out) << ", bias " << bias
         << ", activation " << static_cast<int>(params.activation);
}

TEST(CudaProducts, MatmulOfAllTypesAndOrders) {
  for (const Types& types : all_types())
    for (bool transpose_a : {false, true})
      for (bool transpose_b : {false, true}) {
        const MatmulParams params{transpose_a, transpose_b};
        EXPECT_TRUE(multiplies({0, 17, 29, 13, params, types}));
        EXPECT_TRUE(multiplies({3, 8, 16, 24, params, types}));
      }
}

TEST(CudaProducts, MatmulWithBiasAndActivation) {
  for (const Types& types : all_types())
    for (Activation activation : kActivations)
      for (bool bias : {false, true}) {
        const MatmulParams params{false, true, activation};
        EXPECT_TRUE(multiplies({0, 33, 24, 40, params, types, bias}));
        EXPECT_TRUE(multiplies({2, 5, 7, 11, params, types, bias}));
      }
}

TEST(CudaProducts, MatmulOfManySizes) {
  for (const Types& types : same_types())
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

TEST(CudaProducts, MatmulOfManyStacks) {
  for (const Types& types : same_types())
    for (const auto& [batches, m, n, k] :
         {std::array<int64_t, 4>{1, 4, 6, 5}, {64, 3, 3, 8}, {7, 1, 9, 33}, {5, 32, 64, 16}})
      for (bool transpose_b : {false, true})
        EXPECT_TRUE(multiplies({batches, m, n, k, {false, transpose_b}, types}));
}

TEST(CudaProducts, MatmulOfNothing) {
  for (const Types& types : all_types()) {
    EXPECT_TRUE(multiplies({0, 0, 5, 7, {}, types, true}));
    EXPECT_TRUE(multiplies({0, 6, 0, 3, {}, types}));
    EXPECT_TRUE(multiplies({0, 4, 5, 0, {}, types}));
    EXPECT_TRUE(multiplies({0, 4, 5, 0, {true, false, Activation::sigmoid}, types, true}));
    EXPECT_TRUE(multiplies({2, 4, 5, 0, {false, true, Activation::relu}, types, true}));
    EXPECT_TRUE(multiplies({0, 4, 5, 3, {}, types, true}));  // the same outputs, with sums
  }
}

// Operands that begin `step` elements into their memory.
TEST(CudaProducts, MatmulAtAnyAddress) {
  const int64_t m = 24, n = 40, k = 16;
  for (DType dtype : multiplied_floats())
    for (int64_t step : {1, 2, 4, 8}) {
      EXPECT_TRUE(like_cpu(
          {{random_tensor({m * k + step}, dtype), random_tensor({k * n + step}, dtype),
            random_tensor({n + step})},
           {zeros(host(), {m * n + step}, dtype)}},
          [=](Backend& on, const auto& in, const auto& out) {
            const auto offset = [=](const ConstView& view, const Shape& shape) {
              return ConstView(
                  view.as<std::byte>() + step * static_cast<int64_t>(size_of(view.dtype)),
                  view.dtype, shape);
            };
            on.matmul({false, false, Activation::relu}, offset(in[0], {m, k}),
                      offset(in[1], {k, n}), offset(in[2], {n}),
                      {out[0].template as<std::byte>() +
                           step * static_cast<int64_t>(size_of(out[0].dtype)),
                       out[0].dtype,
                       {m, n}});
          },
          within(dtype == DType::f32 ? 1e-5 : 2e-2, k)))
          << to_string(dtype) << " at element " << step;
    }
}

// What `backend` makes of a product, twice.
std::array<std::vector<float>, 2> products_on(Backend& backend, const Tensor& a, const Tensor& b) {
  const Tensor left = a.to(backend), right = b.to(backend);
  std::array<std::vector<float>, 2> found;
  for (auto& values : found) {
    Tensor out(backend, {a.size(0), b.size(1)});
    backend.matmul({}, left.view(), right.view(), {}, out.view());
    values = out.to_vector<float>();
  }
  return found;
}

TEST(CudaProducts, MatmulAddsInOneOrder) {
  const Tensor a = random_tensor({40, 3000}), b = random_tensor({3000, 24});
  const auto [first, second] = products_on(gpu(), a, b);
  EXPECT_EQ(first, second);
}

TEST(CudaProducts, MatmulInTf32) {
  auto backend = make_cuda_backend({.tf32 = true});
  const Tensor a = random_tensor({64, 256}), b = random_tensor({256, 48});
  const auto exact = products_on(host(), a, b)[0], found = products_on(*backend, a, b)[0];
  for (size_t i = 0; i < exact.size(); ++i)
    ASSERT_NEAR(found[i], exact[i], 5e-3 * magnitude(256)) << "element " << i;
}

TEST(CudaProducts, MatmulAsksTheSystemForNothingTwice) {
  const Tensor a = random_tensor({32, 48}).to(gpu());
  const Tensor b = random_tensor({48, 64}, DType::f16).to(gpu());
  Tensor out(gpu(), {32, 64}, DType::f16);
  gpu().matmul({}, a.view(), b.view(), {}, out.view());
  const uint64_t before = gpu().pool().stats().system_allocations;
  for (int i = 0; i < 3; ++i) gpu().matmul({}, a.view(), b.view(), {}, out.view());
  EXPECT_EQ(gpu().pool().stats().system_allocations, before);
}

}  // namespace
}  // namespace d2l::test
