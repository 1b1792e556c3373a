#include <algorithm>
#include <cmath>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/softmax_rows.h"
#include "framework/backend/scratch.h"

// Each row is normalised while it is in the cache. The gradients of gamma and beta are summed over
// pieces of rows, which are joined in order: the result does not depend on the number of threads.

namespace d2l::cpu {
namespace {

// Rows [rows, columns] that one call works on.
struct Rows {
  int64_t rows, columns;
  double epsilon;
  const float *x, *gamma;
  float *mean, *variance;

  Rows from(int64_t row, int64_t count) const {
    return {count, columns, epsilon, x + row * columns, gamma, mean + row, variance + row};
  }
};

Rows rows_of(const LayerNormParams& params, const Backend::NormOperands& in,
             const Backend::NormStatistics& of_rows) {
  const int64_t columns = in.x.shape.size(-1);
  return {columns > 0 ? in.x.elements() / columns : 0,
          columns,
          params.epsilon,
          in.x.as<float>(),
          in.gamma.as<float>(),
          of_rows.mean.as<float>(),
          of_rows.variance.as<float>()};
}

int64_t rows_per_piece(int64_t columns) { return std::max<int64_t>(1, kGrain / columns); }

[[gnu::always_inline]] inline float inverse_deviation(const Rows& part, int64_t row) {
  return static_cast<float>(1.0 /
                            std::sqrt(static_cast<double>(part.variance[row]) + part.epsilon));
}

D2L_SIMD void normalize_rows(const Rows& part, const float* beta, float* y) {
  const int64_t columns = part.columns;
  const float share = 1.0f / static_cast<float>(columns);
  for (int64_t row = 0; row < part.rows; ++row) {
    const float* __restrict__ x = part.x + row * columns;
    const float* __restrict__ gamma = part.gamma;
    float* __restrict__ to = y + row * columns;
    const float mean = share * row_sum(columns, [=](int64_t i) { return x[i]; });
    part.mean[row] = mean;
    part.variance[row] =
        share * row_sum(columns, [=](int64_t i) { return (x[i] - mean) * (x[i] - mean); });
    const float scale = inverse_deviation(part, row);
    for (int64_t i = 0; i < columns; ++i) to[i] = (x[i] - mean) * scale * gamma[i] + beta[i];
  }
}

// Adds to sum_gamma and sum_beta [columns].
D2L_SIMD void gradient_rows(const Rows& part, const float* grad_y, float* grad_x, float* sum_gamma,
                            float* sum_beta) {
  const int64_t columns = part.columns;
  const float share = 1.0f / static_cast<float>(columns);
  for (int64_t row = 0; row < part.rows; ++row) {
    const float* __restrict__ x = part.x + row * columns;
    const float* __restrict__ grad = grad_y + row * columns;
    const float* __restrict__ gamma = part.gamma;
    float* __restrict__ to = grad_x + row * columns;
    float* __restrict__ to_gamma = sum_gamma;
    float* __restrict__ to_beta = sum_beta;
    const float mean = part.mean[row], scale = inverse_deviation(part, row);
    const float plain = share * row_sum(columns, [=](int64_t i) { return grad[i] * gamma[i]; });
    const float slope = share * row_sum(columns, [=](int64_t i) {
                          return grad[i] * gamma[i] * ((x[i] - mean) * scale);
                        });
    for (int64_t i = 0; i < columns; ++i) {
      const float normal = (x[i] - mean) * scale;
      to_gamma[i] += grad[i] * normal;
      to_beta[i] += grad[i];
      to[i] = (grad[i] * gamma[i] - plain - normal * slope) * scale;
    }
  }
}

// sum[i] = partial[0, i] + partial[1, i] + ..., rows of which start every `step` elements.
void join(const float* partial, int64_t pieces, int64_t step, const View& sum) {
  for (int64_t i = 0; i < sum.elements(); ++i) {
    double total = 0;
    for (int64_t piece = 0; piece < pieces; ++piece)
      total += static_cast<double>(partial[piece * step + i]);
    sum.as<float>()[i] = static_cast<float>(total);
  }
}

}  // namespace

void CpuBackend::layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                            const NormStatistics& of_rows) {
  const Rows all = rows_of(params, in, of_rows);
  if (all.rows == 0) return;
  parallel_for(all.rows, rows_per_piece(all.columns), [&](int64_t begin, int64_t end) {
    normalize_rows(all.from(begin, end - begin), in.beta.as<float>(),
                   y.as<float>() + begin * all.columns);
  });
}

void CpuBackend::layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                                     const NormStatistics& of_rows, ConstView grad_y,
                                     const NormGradients& gradients) {
  const Rows all = rows_of(params, in, of_rows);
  const int64_t columns = all.columns;
  if (columns == 0) return;
  const int64_t grain = rows_per_piece(columns), pieces = (all.rows + grain - 1) / grain;
  Scratch<float> partial(pool_, pieces * 2 * columns);
  std::fill_n(partial.data(), pieces * 2 * columns, 0.0f);
  parallel_for(pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t piece = first; piece < last; ++piece) {
      const int64_t row = piece * grain;
      float* sums = partial.data() + piece * 2 * columns;
      gradient_rows(all.from(row, std::min(grain, all.rows - row)),
                    grad_y.as<float>() + row * columns, gradients.x.as<float>() + row * columns,
                    sums, sums + columns);
    }
  });
  join(partial.data(), pieces, 2 * columns, gradients.gamma);
  join(partial.data() + columns, pieces, 2 * columns, gradients.beta);
}

}  // namespace d2l::cpu
