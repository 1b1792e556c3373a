#include <cmath>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/norm_rows.h"

namespace d2l::cpu {
namespace {

// sum[i] += x[r, i] over the rows.
template <class T>
D2L_SIMD void add_values(const T* x, int64_t rows, int64_t width, float* __restrict sum) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < width; ++i) sum[i] += static_cast<float>(x[r * width + i]);
}

// sum[i] += x[r, i] - pivot[i], squares[i] += (x[r, i] - pivot[i])^2
template <class T>
D2L_SIMD void add_moments(const T* x, int64_t rows, int64_t width, const float* pivot,
                          float* __restrict sum, float* __restrict squares) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < width; ++i) {
      float d = static_cast<float>(x[r * width + i]) - pivot[i];
      sum[i] += d;
      squares[i] += d * d;
    }
}

// The coefficients of y = (x - mean) scale + shift, each repeated to a wide row.
struct Coefficients {
  const float *mean, *scale, *shift;
};

template <bool kRelu, bool kResidual, class T>
[[gnu::always_inline]] inline void apply_row(const Coefficients& coefficients, const T* x,
                                             const T* residual, int64_t width, T* __restrict y) {
  for (int64_t i = 0; i < width; ++i) {
    float value = (static_cast<float>(x[i]) - coefficients.mean[i]) * coefficients.scale[i] +
                  coefficients.shift[i];
    if (kResidual) value += static_cast<float>(residual[i]);
    if (kRelu) value = value < 0.0f ? 0.0f : value;
    y[i] = static_cast<T>(value);
  }
}

template <class T>
struct Block {
  const T *x, *residual;  // residual may be null
  T* y;
  bool relu;
};

template <class T>
D2L_SIMD void apply_rows(const Coefficients& coefficients, const Block<T>& block, int64_t rows,
                         int64_t width) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* x = block.x + r * width;
    T* y = block.y + r * width;
    if (block.residual == nullptr) {
      block.relu ? apply_row<true, false>(coefficients, x, x, width, y)
                 : apply_row<false, false>(coefficients, x, x, width, y);
    } else {
      const T* residual = block.residual + r * width;
      block.relu ? apply_row<true, true>(coefficients, x, residual, width, y)
                 : apply_row<false, true>(coefficients, x, residual, width, y);
    }
  }
}

// A value near the mean of each channel, so that squared differences keep their precision: the mean
// of the first rows. Repeated to a wide row.
template <class T>
void find_pivot(const NormRows& rows, MemoryPool& pool, const T* x, float* wide) {
  Scratch<float> sums(pool, rows.wide), means(pool, rows.channels);
  std::fill_n(sums.data(), rows.wide, 0.0f);
  std::fill_n(means.data(), rows.channels, 0.0f);
  const int64_t count = std::min(rows.grain(), rows.count);
  add_values(x, count, rows.wide, sums.data());
  if (count == 0) add_values(x, 1, rows.rest, sums.data());
  for (int64_t i = 0; i < rows.wide; ++i) means.data()[i % rows.channels] += sums.data()[i];
  const int64_t samples = (count > 0 ? count * rows.wide : rows.rest) / rows.channels;
  for (int64_t c = 0; c < rows.channels; ++c) means.data()[c] /= static_cast<float>(samples);
  repeat(rows, means.data(), wide);
}

template <class T>
void find_statistics(MemoryPool& pool, const ConstView& x,
                     const Backend::NormStatistics& of_batch) {
  const NormRows rows(x.shape);
  const int64_t partial = rows.pieces() * rows.wide;
  const T* from = x.as<T>();
  Scratch<float> sums(pool, 2 * partial), pivot(pool, rows.wide);
  Scratch<double> totals(pool, 2 * rows.channels);
  find_pivot(rows, pool, from, pivot.data());
  std::fill_n(sums.data(), 2 * partial, 0.0f);
  for_pieces(rows, [&](int64_t at, int64_t count, int64_t width, int64_t piece) {
    float* sum = sums.data() + piece * rows.wide;
    add_moments(from + at, count, width, pivot.data(), sum, sum + partial);
  });
  join(rows, sums.data(), totals.data());
  join(rows, sums.data() + partial, totals.data() + rows.channels);
  const double count = static_cast<double>(x.elements() / rows.channels);
  for (int64_t c = 0; c < rows.channels; ++c) {
    const double offset = totals.data()[c] / count;
    const double square = totals.data()[rows.channels + c] / count - offset * offset;
    of_batch.mean.as<float>()[c] =
        static_cast<float>(static_cast<double>(pivot.data()[c]) + offset);
    of_batch.variance.as<float>()[c] = static_cast<float>(std::max(square, 0.0));
  }
}

template <class T>
void apply(MemoryPool& pool, const BatchNormParams& params, const Backend::NormOperands& in,
           const Backend::NormStatistics& given, View y) {
  const NormRows rows(in.x.shape);
  Scratch<float> scale(pool, rows.channels), wide(pool, 3 * rows.wide);
  for (int64_t c = 0; c < rows.channels; ++c)
    scale.data()[c] = static_cast<float>(
        static_cast<double>(in.gamma.as<float>()[c]) /
        std::sqrt(static_cast<double>(given.variance.as<float>()[c]) + params.epsilon));
  repeat(rows, given.mean.as<float>(), wide.data());
  repeat(rows, scale.data(), wide.data() + rows.wide);
  repeat(rows, in.beta.as<float>(), wide.data() + 2 * rows.wide);
  const Coefficients coefficients{wide.data(), wide.data() + rows.wide,
                                  wide.data() + 2 * rows.wide};
  const T* residual = in.residual.as<T>();
  for_pieces(rows, [&](int64_t at, int64_t count, int64_t width, int64_t) {
    apply_rows(coefficients,
               Block<T>{in.x.as<T>() + at, residual == nullptr ? nullptr : residual + at,
                        y.as<T>() + at, params.activation == Activation::relu},
               count, width);
  });
}

}  // namespace

void CpuBackend::do_batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                                          const NormRunning& running) {
  if (x.elements() == 0) {
    fill(of_batch.mean, 0);
    fill(of_batch.variance, 0);
    return;
  }
  visit_float(x.dtype, [&](auto zero) { find_statistics<decltype(zero)>(pool_, x, of_batch); });
  if (running.mean) running.follow(*this, of_batch, x.elements() / x.shape.size(-1));
}

void CpuBackend::do_batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                                     const NormStatistics& given, View y, View) {
  if (y.elements() == 0) return;
  visit_float(y.dtype, [&](auto zero) { apply<decltype(zero)>(pool_, params, in, given, y); });
  if (params.activation != Activation::none && params.activation != Activation::relu)
    unary(unary_of(params.activation), y, y);
}

}  // namespace d2l::cpu
