#include <algorithm>
#include <cmath>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/softmax_rows.h"
#include "framework/backend/scratch.h"

// Each row is normalised while it is in the cache. The gradients of gamma and beta are summed over
// pieces of rows, and the pieces are added in order: the result does not depend on the number of
// threads.

namespace d2l::cpu {
namespace {

// The operands for some rows; T is float or Bfloat16.
template <class T>
struct LayerNormRows {
  int64_t rows, columns;
  double epsilon;
  const T* x;
  const float* gamma;
  float *mean, *variance;

  LayerNormRows from(int64_t row, int64_t count) const {
    return {count, columns, epsilon, x + row * columns, gamma, mean + row, variance + row};
  }
};

template <class T>
LayerNormRows<T> rows_of(const LayerNormParams& params, const Backend::NormOperands& in,
                         const Backend::NormStatistics& of_rows) {
  const int64_t columns = in.x.shape.size(-1);
  return {columns > 0 ? in.x.elements() / columns : 0,
          columns,
          params.epsilon,
          in.x.as<T>(),
          in.gamma.as<float>(),
          of_rows.mean.as<float>(),
          of_rows.variance.as<float>()};
}

int64_t rows_per_piece(int64_t columns) { return std::max<int64_t>(1, kGrain / columns); }

template <class T>
[[gnu::always_inline]] inline float inverse_deviation(const LayerNormRows<T>& part, int64_t row) {
  return static_cast<float>(1.0 /
                            std::sqrt(static_cast<double>(part.variance[row]) + part.epsilon));
}

template <class T>
D2L_SIMD void normalize_rows(const LayerNormRows<T>& part, const float* beta, T* y) {
  const int64_t columns = part.columns;
  const float share = 1.0f / static_cast<float>(columns);
  for (int64_t row = 0; row < part.rows; ++row) {
    const T* __restrict__ x = part.x + row * columns;
    const float* __restrict__ gamma = part.gamma;
    T* __restrict__ to = y + row * columns;
    const auto at = [=](int64_t i) { return static_cast<float>(x[i]); };
    const float mean = share * row_sum(columns, at);
    part.mean[row] = mean;
    part.variance[row] =
        share * row_sum(columns, [=](int64_t i) { return (at(i) - mean) * (at(i) - mean); });
    const float scale = inverse_deviation(part, row);
    for (int64_t i = 0; i < columns; ++i)
      to[i] = static_cast<T>((at(i) - mean) * scale * gamma[i] + beta[i]);
  }
}

// Adds to sum_gamma and sum_beta [columns].
template <class T>
D2L_SIMD void gradient_rows(const LayerNormRows<T>& part, const T* grad_y, T* grad_x,
                            float* sum_gamma, float* sum_beta) {
  const int64_t columns = part.columns;
  const float share = 1.0f / static_cast<float>(columns);
  for (int64_t row = 0; row < part.rows; ++row) {
    const T* __restrict__ x = part.x + row * columns;
    const T* __restrict__ grads = grad_y + row * columns;
    const float* __restrict__ gamma = part.gamma;
    T* __restrict__ to = grad_x + row * columns;
    float* __restrict__ to_gamma = sum_gamma;
    float* __restrict__ to_beta = sum_beta;
    const float mean = part.mean[row], scale = inverse_deviation(part, row);
    const auto grad = [=](int64_t i) { return static_cast<float>(grads[i]); };
    const auto normal = [=](int64_t i) { return (static_cast<float>(x[i]) - mean) * scale; };
    const float plain = share * row_sum(columns, [=](int64_t i) { return grad(i) * gamma[i]; });
    const float slope =
        share * row_sum(columns, [=](int64_t i) { return grad(i) * gamma[i] * normal(i); });
    for (int64_t i = 0; i < columns; ++i) {
      to_gamma[i] += grad(i) * normal(i);
      to_beta[i] += grad(i);
      to[i] = static_cast<T>((grad(i) * gamma[i] - plain - normal(i) * slope) * scale);
    }
  }
}

// sum[i] = partial[0, i] + partial[1, i] + ...; rows of partial are `step` elements apart.
void join(const float* partial, int64_t pieces, int64_t step, const View& sum) {
  for (int64_t i = 0; i < sum.elements(); ++i) {
    double total = 0;
    for (int64_t piece = 0; piece < pieces; ++piece)
      total += static_cast<double>(partial[piece * step + i]);
    sum.as<float>()[i] = static_cast<float>(total);
  }
}

}  // namespace

void CpuBackend::do_layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                               const NormStatistics& of_rows) {
  visit_float(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const LayerNormRows<T> all = rows_of<T>(params, in, of_rows);
    if (all.rows == 0) return;
    parallel_for(all.rows, rows_per_piece(all.columns), [&](int64_t begin, int64_t end) {
      normalize_rows(all.from(begin, end - begin), in.beta.as<float>(),
                     y.as<T>() + begin * all.columns);
    });
  });
}

void CpuBackend::do_layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                                        const NormStatistics& of_rows, ConstView grad_y,
                                        const NormGradients& gradients) {
  const int64_t columns = in.x.shape.size(-1);
  if (columns == 0) return;
  const int64_t rows = in.x.elements() / columns;
  const int64_t grain = rows_per_piece(columns), pieces = (rows + grain - 1) / grain;
  Scratch<float> partial(pool_, pieces * 2 * columns);
  std::fill_n(partial.data(), pieces * 2 * columns, 0.0f);
  visit_float(grad_y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const LayerNormRows<T> all = rows_of<T>(params, in, of_rows);
    parallel_for(pieces, 1, [&](int64_t piece, int64_t) {
      const int64_t row = piece * grain;
      float* sums = partial.data() + piece * 2 * columns;
      gradient_rows(all.from(row, std::min(grain, rows - row)), grad_y.as<T>() + row * columns,
                    gradients.x.as<T>() + row * columns, sums, sums + columns);
    });
  });
  join(partial.data(), pieces, 2 * columns, gradients.gamma);
  join(partial.data() + columns, pieces, 2 * columns, gradients.beta);
}

}  // namespace d2l::cpu
