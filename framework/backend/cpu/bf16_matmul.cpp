#include "framework/backend/cpu/bf16_matmul.h"

#include <dnnl.h>

#include <algorithm>
#include <atomic>

#include "framework/backend/cpu/activate.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"
#include "framework/base/error.h"
#include "framework/base/simd.h"

namespace d2l::cpu {
namespace {

constexpr int64_t kCache = 1 << 16;  // elements of a thread's copies

int64_t half_elements(const ConstView& view, int64_t count) {
  return view.dtype == DType::f32 ? 0 : count;
}

// Rows of a matrix as floats: the rows themselves, or a copy in `memory`.
const float* read_rows(const ConstView& matrix, int64_t row, int64_t rows, float* memory) {
  const int64_t columns = matrix.shape[1];
  const float* floats = nullptr;
  visit_float(matrix.dtype, [&](auto zero) {
    floats = as_floats(matrix.as<decltype(zero)>() + row * columns, rows * columns, memory);
  });
  return floats;
}

// oneDNN's matrix products on the threads of a team, which must not throw.
class Products {
 public:
  struct Factors {
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    const float* a;
    const float* b;
  };
  // c [m, n] = a b + beta c
  void multiply(const Factors& f, float beta, float* c) {
    const dnnl_status_t status =
        dnnl_sgemm(f.transpose_a ? 'T' : 'N', f.transpose_b ? 'T' : 'N', f.m, f.n, f.k, 1, f.a,
                   f.transpose_a ? f.m : f.k, f.b, f.transpose_b ? f.k : f.n, beta, c, f.n);
    if (status != dnnl_success) status_ = status;
  }
  void check_all() const {
    check(status_ == dnnl_success, "oneDNN: a matrix product failed with status ",
          static_cast<int>(status_));
  }

 private:
  std::atomic<dnnl_status_t> status_ = dnnl_success;
};

D2L_SIMD void add_to_rows(const float* bias, int64_t rows, int64_t columns, float* values) {
  for (int64_t row = 0; row < rows; ++row, values += columns)
    for (int64_t i = 0; i < columns; ++i) values[i] += bias[i];
}

// out[i] = sums[i] + sums[step + i] + ...; overwrites sums
template <class T>
D2L_SIMD void join(float* sums, int64_t pieces, int64_t step, int64_t count, T* out) {
  for (int64_t piece = 1; piece < pieces; ++piece)
    for (int64_t i = 0; i < count; ++i) sums[i] += sums[piece * step + i];
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<T>(sums[i]);
}

void multiply_rows(MemoryPool& pool, const TallProduct& p) {
  const int64_t k = p.a.shape[1], n = p.out.shape[1];
  const int64_t grain = std::clamp<int64_t>(kCache / (k + n), 16, 256);
  const bool half_b = p.b.dtype != DType::f32;
  Scratch<float> weights(pool, half_b ? p.b.elements() : 0);
  const float* b = read_rows(p.b, 0, p.b.shape[0], weights.data());
  PerThread<float> inputs(pool, half_elements(p.a, grain * k));
  PerThread<float> results(pool, half_elements(p.out, grain * n));
  Products products;
  parallel_for(p.a.shape[0], grain, [&](int64_t begin, int64_t end) {
    const int64_t rows = end - begin;
    const float* a = read_rows(p.a, begin, rows, inputs.mine());
    visit_float(p.out.dtype, [&](auto zero) {
      auto* out = p.out.as<decltype(zero)>() + begin * n;
      float* c = floats_for(out, results.mine());
      products.multiply({false, p.params.transpose_b, rows, n, k, a, b}, 0, c);
      if (p.bias) add_to_rows(p.bias.as<float>(), rows, n, c);
      activate(p.params.activation, c, rows * n);
      store_floats(c, rows * n, out);
    });
  });
  products.check_all();
}

// Sums each piece of the rows on its own, then adds the pieces in an order that does not depend on
// the number of threads.
void sum_rows(MemoryPool& pool, const TallProduct& p) {
  constexpr int64_t kPiece = 512;  // rows
  const int64_t rows = p.a.shape[0], m = p.a.shape[1], n = p.b.shape[1];
  const int64_t pieces = (rows + kPiece - 1) / kPiece;
  const int64_t slice = std::clamp<int64_t>(kCache / (m + n), 16, kPiece);
  Scratch<float> sums(pool, pieces * m * n);
  PerThread<float> lefts(pool, half_elements(p.a, slice * m));
  PerThread<float> rights(pool, half_elements(p.b, slice * n));
  Products products;
  parallel_for(rows, kPiece, [&](int64_t begin, int64_t end) {
    float* sum = sums.data() + begin / kPiece * m * n;
    for (int64_t row = begin; row < end; row += slice) {
      const int64_t count = std::min(slice, end - row);
      const float* a = read_rows(p.a, row, count, lefts.mine());
      const float* b = read_rows(p.b, row, count, rights.mine());
      products.multiply({true, false, m, n, count, a, b}, row == begin ? 0 : 1, sum);
    }
  });
  products.check_all();
  parallel_for(m * n, kGrain / pieces + 1, [&](int64_t begin, int64_t end) {
    visit_float(p.out.dtype, [&](auto zero) {
      join(sums.data() + begin, pieces, m * n, end - begin, p.out.as<decltype(zero)>() + begin);
    });
  });
}

}  // namespace

bool TallProduct::suits() const {
  constexpr int64_t kManyRows = 1024, kMostWeights = 1 << 16;
  if (out.shape.rank() != 2 || b.shape.rank() != 2 || a.shape[0] < kManyRows) return false;
  if (!params.transpose_a) return b.elements() <= kMostWeights;
  return !params.transpose_b && !bias && params.activation == Activation::none &&
         out.elements() <= kMostWeights;
}

void multiply_tall(MemoryPool& pool, const TallProduct& product) {
  if (product.params.transpose_a)
    sum_rows(pool, product);
  else
    multiply_rows(pool, product);
}

}  // namespace d2l::cpu
