#include <algorithm>
#include <cmath>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/scratch.h"

// Rows [count, c] are seen as [count / r, r c], so that inner loops are long for few channels too.
// Sums are taken over pieces of rows that stay in the cache and joined in the order of the pieces:
// the result does not depend on the number of threads.

namespace d2l::cpu {
namespace {

constexpr int64_t kWide = 64;  // inner loops of about this many elements or more
constexpr int64_t kPieceElements = 1 << 14;

struct Rows {
  int64_t channels, wide, count;  // count wide rows ...
  int64_t rest;                   // ... and this many elements after them

  int64_t repeats() const { return wide / channels; }
  int64_t grain() const { return std::max<int64_t>(1, kPieceElements / wide); }
  int64_t pieces() const { return std::max<int64_t>(1, (count + grain() - 1) / grain()); }
};

Rows rows_of(const Shape& shape) {
  int64_t channels = shape.size(-1);
  int64_t wide = (kWide + channels - 1) / channels * channels;
  int64_t elements = shape.elements();
  return {channels, wide, elements / wide, elements % wide};
}

// sum[i] += x[r, i] over the rows.
D2L_SIMD void add_values(const float* x, int64_t rows, int64_t wide, float* sum) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < wide; ++i) sum[i] += x[r * wide + i];
}

// sum[i] += (x[r, i] - mean[i])^2
D2L_SIMD void add_squares(const float* x, int64_t rows, int64_t wide, const float* mean,
                          float* sum) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < wide; ++i) {
      float d = x[r * wide + i] - mean[i];
      sum[i] += d * d;
    }
}

// sum_grad[i] += g[r, i], sum_product[i] += g[r, i] (x[r, i] - mean[i])
D2L_SIMD void add_products(const float* x, const float* g, int64_t rows, int64_t wide,
                           const float* mean, float* __restrict sum_grad,
                           float* __restrict sum_product) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < wide; ++i) {
      float grad = g[r * wide + i];
      sum_grad[i] += grad;
      sum_product[i] += grad * (x[r * wide + i] - mean[i]);
    }
}

// y = (x - mean) * scale + shift
D2L_SIMD void scale_rows(const float* x, int64_t rows, int64_t wide, const float* coefficients,
                         float* __restrict y) {
  const float* mean = coefficients;
  const float* scale = coefficients + wide;
  const float* shift = coefficients + 2 * wide;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < wide; ++i)
      y[r * wide + i] = (x[r * wide + i] - mean[i]) * scale[i] + shift[i];
}

// grad_x = scale * (g - shift - (x - mean) * slope)
D2L_SIMD void scale_gradients(const float* x, const float* g, int64_t rows, int64_t wide,
                              const float* coefficients, float* __restrict grad_x) {
  const float* mean = coefficients;
  const float* scale = coefficients + wide;
  const float* shift = coefficients + 2 * wide;
  const float* slope = coefficients + 3 * wide;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < wide; ++i) {
      int64_t at = r * wide + i;
      grad_x[at] = scale[i] * (g[at] - shift[i] - (x[at] - mean[i]) * slope[i]);
    }
}

// wide[i] = narrow[i % channels]
void repeat(const Rows& rows, const float* narrow, float* wide) {
  for (int64_t r = 0; r < rows.repeats(); ++r)
    std::copy(narrow, narrow + rows.channels, wide + r * rows.channels);
}

// Calls body(first element, rows, width, piece) for every piece; the elements after the last wide
// row are one row of their own, which comes with the last piece.
template <class Body>
void for_pieces(const Rows& rows, const Body& body) {
  parallel_for(rows.pieces(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      int64_t first = piece * rows.grain();
      int64_t count = std::min(rows.grain(), rows.count - first);
      body(first * rows.wide, count, rows.wide, piece);
      if (piece == rows.pieces() - 1 && rows.rest > 0)
        body(rows.count * rows.wide, int64_t{1}, rows.rest, piece);
    }
  });
}

// Adds what the pieces found, channel by channel, in double precision.
void join(const Rows& rows, const float* partial, double* sums) {
  std::fill(sums, sums + rows.channels, 0.0);
  for (int64_t i = 0; i < rows.pieces() * rows.repeats(); ++i)
    for (int64_t c = 0; c < rows.channels; ++c)
      sums[c] += static_cast<double>(partial[i * rows.channels + c]);
}

void normalize(const Rows& rows, MemoryPool& pool, const BatchNormParams& params,
               const Backend::NormOperands& in, const Backend::NormStatistics& given, View y) {
  const float* mean = given.mean.as<float>();
  const float* variance = given.variance.as<float>();
  const float* x = in.x.as<float>();
  Scratch<float> scale(pool, rows.channels), coefficients(pool, 3 * rows.wide);
  for (int64_t c = 0; c < rows.channels; ++c)
    scale.data()[c] =
        static_cast<float>(static_cast<double>(in.gamma.as<float>()[c]) /
                           std::sqrt(static_cast<double>(variance[c]) + params.epsilon));
  repeat(rows, mean, coefficients.data());
  repeat(rows, scale.data(), coefficients.data() + rows.wide);
  repeat(rows, in.beta.as<float>(), coefficients.data() + 2 * rows.wide);
  parallel_for(rows.count, rows.grain(), [&](int64_t begin, int64_t end) {
    int64_t at = begin * rows.wide;
    scale_rows(x + at, end - begin, rows.wide, coefficients.data(), y.as<float>() + at);
  });
  int64_t at = rows.count * rows.wide;
  for (int64_t i = 0; i < rows.rest; ++i)
    y.as<float>()[at + i] =
        (x[at + i] - coefficients.data()[i]) * coefficients.data()[rows.wide + i] +
        coefficients.data()[2 * rows.wide + i];
}

}  // namespace

void CpuBackend::batch_norm(const BatchNormParams& params, const NormOperands& operands, View y,
                            const NormStatistics& of_batch) {
  const auto& [x, gamma, beta] = operands;
  const auto& [mean, variance] = of_batch;
  Rows rows = rows_of(x.shape);
  double count = static_cast<double>(x.elements() / rows.channels);
  if (count == 0) {
    fill(mean, 0);
    fill(variance, 0);
    return;
  }
  Scratch<float> partial(pool_, rows.pieces() * rows.wide), wide_mean(pool_, rows.wide);
  Scratch<double> sums(pool_, rows.channels);
  auto* in = x.as<float>();
  std::fill(partial.data(), partial.data() + rows.pieces() * rows.wide, 0.0f);
  for_pieces(rows, [&](int64_t at, int64_t n, int64_t wide, int64_t piece) {
    add_values(in + at, n, wide, partial.data() + piece * rows.wide);
  });
  join(rows, partial.data(), sums.data());
  for (int64_t c = 0; c < rows.channels; ++c)
    mean.as<float>()[c] = static_cast<float>(sums.data()[c] / count);
  repeat(rows, mean.as<float>(), wide_mean.data());
  std::fill(partial.data(), partial.data() + rows.pieces() * rows.wide, 0.0f);
  for_pieces(rows, [&](int64_t at, int64_t n, int64_t wide, int64_t piece) {
    add_squares(in + at, n, wide, wide_mean.data(), partial.data() + piece * rows.wide);
  });
  join(rows, partial.data(), sums.data());
  for (int64_t c = 0; c < rows.channels; ++c)
    variance.as<float>()[c] = static_cast<float>(sums.data()[c] / count);
  normalize(rows, pool_, params, operands, of_batch, y);
}

void CpuBackend::batch_norm_inference(const BatchNormParams& params, const NormOperands& in,
                                      const NormStatistics& given, View y) {
  if (in.x.elements() == 0) return;
  normalize(rows_of(in.x.shape), pool_, params, in, given, y);
}

void CpuBackend::batch_norm_backward(const BatchNormParams& params, const NormOperands& operands,
                                     const NormStatistics& of_batch, ConstView grad_y,
                                     const NormGradients& gradients) {
  const ConstView x = operands.x, gamma = operands.gamma;
  const auto& [mean, variance] = of_batch;
  Rows rows = rows_of(x.shape);
  if (x.elements() == 0) {
    fill(gradients.gamma, 0);
    fill(gradients.beta, 0);
    return;
  }
  double count = static_cast<double>(x.elements() / rows.channels);
  int64_t partial_size = rows.pieces() * rows.wide;
  Scratch<float> partial(pool_, 2 * partial_size), narrow(pool_, 3 * rows.channels),
      wide(pool_, 4 * rows.wide);
  Scratch<double> sums(pool_, 2 * rows.channels);
  auto* in = x.as<float>();
  auto* grad = grad_y.as<float>();
  repeat(rows, mean.as<float>(), wide.data());
  std::fill(partial.data(), partial.data() + 2 * partial_size, 0.0f);
  for_pieces(rows, [&](int64_t at, int64_t n, int64_t width, int64_t piece) {
    float* sum = partial.data() + piece * rows.wide;
    add_products(in + at, grad + at, n, width, wide.data(), sum, sum + partial_size);
  });
  join(rows, partial.data(), sums.data());
  join(rows, partial.data() + partial_size, sums.data() + rows.channels);
  for (int64_t c = 0; c < rows.channels; ++c) {
    double inverse = 1.0 / std::sqrt(static_cast<double>(variance.as<float>()[c]) + params.epsilon);
    double sum = sums.data()[c];
    double product = sums.data()[rows.channels + c];
    gradients.beta.as<float>()[c] = static_cast<float>(sum);
    gradients.gamma.as<float>()[c] = static_cast<float>(product * inverse);
    narrow.data()[c] = static_cast<float>(static_cast<double>(gamma.as<float>()[c]) * inverse);
    narrow.data()[rows.channels + c] = static_cast<float>(sum / count);
    narrow.data()[2 * rows.channels + c] = static_cast<float>(product * inverse * inverse / count);
  }
  for (int64_t k = 0; k < 3; ++k)
    repeat(rows, narrow.data() + k * rows.channels, wide.data() + (k + 1) * rows.wide);
  auto* out = gradients.x.as<float>();
  const float* c = wide.data();
  parallel_for(rows.count, rows.grain(), [&](int64_t begin, int64_t end) {
    int64_t at = begin * rows.wide;
    scale_gradients(in + at, grad + at, end - begin, rows.wide, c, out + at);
  });
  for (int64_t i = 0; i < rows.rest; ++i) {
    int64_t at = rows.count * rows.wide + i;
    out[at] = c[rows.wide + i] *
              (grad[at] - c[2 * rows.wide + i] - (in[at] - c[i]) * c[3 * rows.wide + i]);
  }
}

}  // namespace d2l::cpu
