#include "tests/backend/naive.h"

namespace d2l::test {
namespace {

using naive::Array;
using naive::Doubles;

struct Case {
  int64_t stack, m, k, n;  // stack 0: rank 2
  bool transpose_a = false, transpose_b = false;
  bool bias = false;
  Activation activation = Activation::none;
};

Shape matrix(const Case& c, int64_t rows, int64_t columns, bool transposed) {
  if (transposed) std::swap(rows, columns);
  return c.stack == 0 ? Shape{rows, columns} : Shape{c.stack, rows, columns};
}

class Matmul : public testing::TestWithParam<Case> {
 protected:
  std::unique_ptr<Backend> backend = make_cpu_backend(2);
  Case c = GetParam();
  MatmulParams params{c.transpose_a, c.transpose_b, c.activation};
  Array<float> a{*backend, matrix(c, c.m, c.k, c.transpose_a)};
  Array<float> b{*backend, matrix(c, c.k, c.n, c.transpose_b)};
  Array<float> bias{*backend, {c.n}}, out{*backend, matrix(c, c.m, c.n, false)};

  std::vector<float> run() {
    out.poison();
    backend->matmul(params, a.view(), b.view(), c.bias ? bias.view() : View{}, out.view());
    return out.values();
  }

  Doubles expected() {
    Doubles sums;
    for (int64_t s = 0; s < std::max<int64_t>(1, c.stack); ++s)
      for (int64_t i = 0; i < c.m; ++i)
        for (int64_t j = 0; j < c.n; ++j) {
          double sum = c.bias ? static_cast<double>(bias[j]) : 0.0;
          for (int64_t k = 0; k < c.k; ++k) {
            int64_t ai = s * c.m * c.k + (c.transpose_a ? k * c.m + i : i * c.k + k);
            int64_t bi = s * c.k * c.n + (c.transpose_b ? j * c.k + k : k * c.n + j);
            sum += static_cast<double>(a[ai]) * static_cast<double>(b[bi]);
          }
          sums.push_back(naive::activate(c.activation, sum));
        }
    return sums;
  }
};

TEST_P(Matmul, IsTheSumOfProducts) {
  a.random(1), b.random(2), bias.random(3);
  auto first = run();
  EXPECT_TRUE(naive::close(first, expected(), 3e-5));
  EXPECT_EQ(first, run());
  uint64_t before = backend->pool().stats().system_allocations;
  for (int i = 0; i < 3; ++i) run();
  EXPECT_EQ(backend->pool().stats().system_allocations, before);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Matmul,
    testing::Values(Case{0, 85, 784, 256, false, true, true, Activation::relu},
                    Case{0, 256, 85, 784, true, false}, Case{0, 85, 256, 784},
                    Case{0, 17, 400, 120, false, true, true, Activation::sigmoid},
                    Case{0, 17, 120, 84, false, true, true, Activation::tanh},
                    Case{0, 17, 84, 10, false, true, true}, Case{0, 17, 10, 84},
                    Case{0, 10, 17, 84, true, false}, Case{0, 33, 31, 29, true, true, true},
                    Case{0, 1, 1, 1, false, false, true}, Case{0, 1, 300, 7}, Case{0, 5, 1, 9},
                    Case{0, 64, 65, 1, false, true}, Case{3, 5, 7, 11, false, false},
                    Case{3, 5, 7, 11, true, false}, Case{3, 5, 7, 11, false, true, true},
                    Case{8, 33, 16, 33, false, true, false, Activation::relu},
                    Case{2, 4, 6, 5, true, true}, Case{0, 0, 5, 7, false, true, true},
                    Case{0, 4, 0, 5}, Case{0, 4, 0, 5, false, false, true, Activation::sigmoid},
                    Case{0, 6, 0, 3, true, false}, Case{0, 6, 3, 0}, Case{0, 3, 5000, 2}));

}  // namespace
}  // namespace d2l::test
