#include <cmath>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/norm_rows.h"

namespace d2l::cpu {
namespace {

// How to compute g, the gradient before the activation, from grad_y.
enum class GradientSource {
  same,        // no activation, or g is already computed
  recomputed,  // ReLU of (x - mean) scale + shift: x alone tells where it is 0
  from_result  // ReLU with a residual: y tells where it is 0; g is stored
};

// The coefficients of grad_x = scale (g - sum - (x - mean) slope), each repeated to a wide row.
struct GradientCoefficients {
  const float *mean, *scale, *shift, *sum, *slope;
};

template <class T>
struct Block {
  const T *x, *y, *grad_y;
  T *grad_x, *before;
};  // y, grad_x and before may be null

template <GradientSource kSource, class T>
[[gnu::always_inline]] inline float gradient_before(const GradientCoefficients& coefficients,
                                                    const Block<T>& block, int64_t at, int64_t i) {
  const float g = static_cast<float>(block.grad_y[at]);
  if constexpr (kSource == GradientSource::same) return g;
  if constexpr (kSource == GradientSource::from_result)
    return static_cast<float>(block.y[at]) <= 0.0f ? 0.0f : g;
  const float value =
      (static_cast<float>(block.x[at]) - coefficients.mean[i]) * coefficients.scale[i] +
      coefficients.shift[i];
  return value <= 0.0f ? 0.0f : g;
}

// sums[i] += g[r, i], products[i] += g[r, i] (x[r, i] - mean[i])
template <GradientSource kSource, class T>
D2L_SIMD void add_products(const GradientCoefficients& coefficients, const Block<T>& block,
                           int64_t rows, int64_t width, float* __restrict sums,
                           float* __restrict products) {
  T* __restrict before = block.before;
  for (int64_t r = 0; r < rows; ++r)
#pragma GCC ivdep
    for (int64_t i = 0; i < width; ++i) {
      const int64_t at = r * width + i;
      const float g = gradient_before<kSource>(coefficients, block, at, i);
      sums[i] += g;
      products[i] += g * (static_cast<float>(block.x[at]) - coefficients.mean[i]);
      if constexpr (kSource == GradientSource::from_result) before[at] = static_cast<T>(g);
    }
}

template <GradientSource kSource, class T>
D2L_SIMD void scale_gradients(const GradientCoefficients& coefficients, const Block<T>& block,
                              int64_t rows, int64_t width) {
  T* __restrict grad_x = block.grad_x;
  for (int64_t r = 0; r < rows; ++r)
#pragma GCC ivdep
    for (int64_t i = 0; i < width; ++i) {
      const int64_t at = r * width + i;
      const float g = gradient_before<kSource>(coefficients, block, at, i);
      const float x = static_cast<float>(block.x[at]) - coefficients.mean[i];
      grad_x[at] = static_cast<T>(coefficients.scale[i] *
                                  (g - coefficients.sum[i] - x * coefficients.slope[i]));
    }
}

// The coefficients that both passes over the data need, and the passes.
template <class T>
class GradientPasses {
 public:
  GradientPasses(MemoryPool& pool, const BatchNormParams& params, const Backend::NormOperands& in,
                 const Backend::NormStatistics& of_batch)
      : rows_(in.x.shape), wide_(pool, 5 * rows_.wide), narrow_(pool, rows_.channels) {
    const float* variance = of_batch.variance.as<float>();
    const float* gamma = in.gamma.as<float>();
    for (int64_t c = 0; c < rows_.channels; ++c)
      narrow_.data()[c] =
          static_cast<float>(static_cast<double>(gamma[c]) * inverse(params, variance[c]));
    set(0, of_batch.mean.as<float>());
    set(1, narrow_.data());
    set(2, in.beta.as<float>());
  }

  static double inverse(const BatchNormParams& params, float variance) {
    return 1.0 / std::sqrt(static_cast<double>(variance) + params.epsilon);
  }

  void sums(const BatchNormParams& params, MemoryPool& pool, const Block<T>& all,
            const Backend::NormStatistics& of_batch, const Backend::NormGradients& gradients) {
    const GradientSource source = params.activation == Activation::none ? GradientSource::same
                                  : gradients.before ? GradientSource::from_result
                                                     : GradientSource::recomputed;
    const int64_t partial = rows_.pieces() * rows_.wide;
    Scratch<float> found(pool, 2 * partial);
    Scratch<double> totals(pool, 2 * rows_.channels);
    std::fill_n(found.data(), 2 * partial, 0.0f);
    for_pieces(rows_, [&](int64_t at, int64_t count, int64_t width, int64_t piece) {
      float* sum = found.data() + piece * rows_.wide;
      const Block<T> block = part(all, at);
      if (source == GradientSource::same)
        add_products<GradientSource::same>(coefficients(), block, count, width, sum, sum + partial);
      else if (source == GradientSource::recomputed)
        add_products<GradientSource::recomputed>(coefficients(), block, count, width, sum,
                                                 sum + partial);
      else
        add_products<GradientSource::from_result>(coefficients(), block, count, width, sum,
                                                  sum + partial);
    });
    join(rows_, found.data(), totals.data());
    join(rows_, found.data() + partial, totals.data() + rows_.channels);
    for (int64_t c = 0; c < rows_.channels; ++c) {
      const double deviation = inverse(params, of_batch.variance.as<float>()[c]);
      gradients.beta.as<float>()[c] = static_cast<float>(totals.data()[c]);
      gradients.gamma.as<float>()[c] =
          static_cast<float>(totals.data()[rows_.channels + c] * deviation);
    }
  }

  void input(const BatchNormParams& params, const Block<T>& all,
             const Backend::NormStatistics& of_batch, const Backend::NormGradients& gradients) {
    const double count = static_cast<double>(gradients.rows);
    for (int64_t c = 0; c < rows_.channels; ++c)
      narrow_.data()[c] =
          static_cast<float>(static_cast<double>(gradients.beta.as<float>()[c]) / count);
    set(3, narrow_.data());
    for (int64_t c = 0; c < rows_.channels; ++c)
      narrow_.data()[c] =
          static_cast<float>(static_cast<double>(gradients.gamma.as<float>()[c]) *
                             inverse(params, of_batch.variance.as<float>()[c]) / count);
    set(4, narrow_.data());
    for_pieces(rows_, [&](int64_t at, int64_t rows, int64_t width, int64_t) {
      const Block<T> block = part(all, at);
      params.activation == Activation::none
          ? scale_gradients<GradientSource::same>(coefficients(), block, rows, width)
          : scale_gradients<GradientSource::recomputed>(coefficients(), block, rows, width);
    });
  }

 private:
  void set(int64_t which, const float* narrow) {
    repeat(rows_, narrow, wide_.data() + which * rows_.wide);
  }
  GradientCoefficients coefficients() const {
    const float* w = wide_.data();
    return {w, w + rows_.wide, w + 2 * rows_.wide, w + 3 * rows_.wide, w + 4 * rows_.wide};
  }
  static Block<T> part(const Block<T>& all, int64_t at) {
    const auto from = [at](auto* whole) { return whole == nullptr ? nullptr : whole + at; };
    return {all.x + at, from(all.y), all.grad_y + at, from(all.grad_x), from(all.before)};
  }

  NormRows rows_;
  Scratch<float> wide_, narrow_;
};

template <class T>
Block<T> block_of(const Backend::NormOperands& in, const Backend::NormOutput& out,
                  const Backend::NormGradients& gradients) {
  return {in.x.as<T>(), out.y.as<T>(), out.grad_y.as<T>(), gradients.x.as<T>(),
          gradients.before.as<T>()};
}

BatchNormParams without_activation(BatchNormParams params) {
  params.activation = Activation::none;
  return params;
}

}  // namespace

void CpuBackend::do_batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                             const NormStatistics& of_batch, const NormOutput& out,
                                             const NormGradients& gradients) {
  if (in.x.elements() == 0) {
    fill(gradients.gamma, 0);
    fill(gradients.beta, 0);
    return;
  }
  if (params.activation != Activation::none && params.activation != Activation::relu) {
    unary_backward(unary_of(params.activation), {}, out.y, out.grad_y, gradients.before);
    return batch_norm_gradient_sums(without_activation(params), in, of_batch,
                                    {.y = {}, .grad_y = gradients.before}, gradients);
  }
  visit_float(in.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    GradientPasses<T>(pool_, params, in, of_batch)
        .sums(params, pool_, block_of<T>(in, out, gradients), of_batch, gradients);
  });
}

void CpuBackend::do_batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                              const NormStatistics& of_batch, const NormOutput& out,
                                              const NormGradients& gradients) {
  if (in.x.elements() == 0) return;
  const bool is_undone = static_cast<bool>(gradients.before);
  const BatchNormParams left = is_undone ? without_activation(params) : params;
  const NormOutput from{.y = {}, .grad_y = is_undone ? gradients.before : out.grad_y};
  visit_float(in.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    GradientPasses<T>(pool_, left, in, of_batch)
        .input(left, block_of<T>(in, from, gradients), of_batch, gradients);
  });
}

}  // namespace d2l::cpu
