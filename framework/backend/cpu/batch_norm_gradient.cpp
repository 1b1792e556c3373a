#include <cmath>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/norm_rows.h"

namespace d2l::cpu {
namespace {

// How the gradient before the activation, g, follows from grad_y.
enum class Before {
  same,        // no activation
  recomputed,  // ReLU of (x - mean) scale + shift: x alone says where it is 0
  from_result  // ReLU with a residual: y says so
};

// Repeated to a wide row: grad_x = scale (g - sum - (x - mean) slope).
struct Line {
  const float *mean, *scale, *shift, *sum, *slope;
};

template <class T>
struct Block {
  const T *x, *y, *grad_y;
  T *grad_x, *grad_residual;
};  // y, grad_x and grad_residual may be null

template <Before kBefore, class T>
[[gnu::always_inline]] inline float gradient_before(const Line& line, const Block<T>& block,
                                                    int64_t at, int64_t i) {
  const float g = static_cast<float>(block.grad_y[at]);
  if constexpr (kBefore == Before::same) return g;
  if constexpr (kBefore == Before::from_result)
    return static_cast<float>(block.y[at]) <= 0.0f ? 0.0f : g;
  const float value =
      (static_cast<float>(block.x[at]) - line.mean[i]) * line.scale[i] + line.shift[i];
  return value <= 0.0f ? 0.0f : g;
}

// sums[i] += g[r, i], products[i] += g[r, i] (x[r, i] - mean[i])
template <Before kBefore, class T>
D2L_SIMD void add_products(const Line& line, const Block<T>& block, int64_t rows, int64_t width,
                           float* __restrict sums, float* __restrict products) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t i = 0; i < width; ++i) {
      const int64_t at = r * width + i;
      const float g = gradient_before<kBefore>(line, block, at, i);
      sums[i] += g;
      products[i] += g * (static_cast<float>(block.x[at]) - line.mean[i]);
    }
}

template <Before kBefore, bool kResidual, class T>
D2L_SIMD void scale_gradients(const Line& line, const Block<T>& block, int64_t rows,
                              int64_t width) {
  T* __restrict grad_x = block.grad_x;
  T* __restrict grad_residual = block.grad_residual;
  for (int64_t r = 0; r < rows; ++r)
#pragma GCC ivdep
    for (int64_t i = 0; i < width; ++i) {
      const int64_t at = r * width + i;
      const float g = gradient_before<kBefore>(line, block, at, i);
      const float x = static_cast<float>(block.x[at]) - line.mean[i];
      grad_x[at] = static_cast<T>(line.scale[i] * (g - line.sum[i] - x * line.slope[i]));
      if constexpr (kResidual) grad_residual[at] = static_cast<T>(g);
    }
}

// One call for all that both passes over the data need.
template <class T>
class Pass {
 public:
  Pass(MemoryPool& pool, const BatchNormParams& params, const Backend::NormOperands& in,
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
    before_ = params.activation == Activation::none ? Before::same
              : in.residual                         ? Before::from_result
                                                    : Before::recomputed;
  }

  static double inverse(const BatchNormParams& params, float variance) {
    return 1.0 / std::sqrt(static_cast<double>(variance) + params.epsilon);
  }

  void sums(const BatchNormParams& params, MemoryPool& pool, const Block<T>& all,
            const Backend::NormStatistics& of_batch, const Backend::NormGradients& gradients) {
    const int64_t partial = rows_.pieces() * rows_.wide;
    Scratch<float> found(pool, 2 * partial);
    Scratch<double> totals(pool, 2 * rows_.channels);
    std::fill_n(found.data(), 2 * partial, 0.0f);
    for_pieces(rows_, [&](int64_t at, int64_t count, int64_t width, int64_t piece) {
      float* sum = found.data() + piece * rows_.wide;
      const Block<T> block = part(all, at);
      if (before_ == Before::same)
        add_products<Before::same>(line(), block, count, width, sum, sum + partial);
      else if (before_ == Before::recomputed)
        add_products<Before::recomputed>(line(), block, count, width, sum, sum + partial);
      else
        add_products<Before::from_result>(line(), block, count, width, sum, sum + partial);
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
      if (before_ == Before::same)
        block.grad_residual == nullptr
            ? scale_gradients<Before::same, false>(line(), block, rows, width)
            : scale_gradients<Before::same, true>(line(), block, rows, width);
      else if (before_ == Before::recomputed)
        scale_gradients<Before::recomputed, false>(line(), block, rows, width);
      else
        block.grad_residual == nullptr
            ? scale_gradients<Before::from_result, false>(line(), block, rows, width)
            : scale_gradients<Before::from_result, true>(line(), block, rows, width);
    });
  }

 private:
  void set(int64_t which, const float* narrow) {
    repeat(rows_, narrow, wide_.data() + which * rows_.wide);
  }
  Line line() const {
    const float* w = wide_.data();
    return {w, w + rows_.wide, w + 2 * rows_.wide, w + 3 * rows_.wide, w + 4 * rows_.wide};
  }
  static Block<T> part(const Block<T>& all, int64_t at) {
    const auto from = [at](auto* whole) { return whole == nullptr ? nullptr : whole + at; };
    return {all.x + at, from(all.y), all.grad_y + at, from(all.grad_x), from(all.grad_residual)};
  }

  NormRows rows_;
  Scratch<float> wide_, narrow_;
  Before before_;
};

template <class T>
Block<T> block_of(const Backend::NormOperands& in, const Backend::NormOutput& out,
                  const Backend::NormGradients& gradients) {
  return {in.x.as<T>(), out.y.as<T>(), out.grad_y.as<T>(), gradients.x.as<T>(),
          gradients.residual.as<T>()};
}

// An activation that the passes do not know is undone first, in scratch memory: calls
// body(params, out) with what is left.
template <class Body>
void before_activation(Backend& backend, const BatchNormParams& params,
                       const Backend::NormOutput& out, const Body& body) {
  if (params.activation == Activation::none || params.activation == Activation::relu)
    return body(params, out);
  Scratch<char> memory(backend.pool(), out.grad_y.bytes());
  const View grad{memory.data(), out.grad_y.dtype, out.grad_y.shape};
  backend.unary_backward(unary_of(params.activation), {}, out.y, out.grad_y, grad);
  BatchNormParams plain = params;
  plain.activation = Activation::none;
  body(plain, Backend::NormOutput{out.y, grad});
}

}  // namespace

void CpuBackend::batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                          const NormStatistics& of_batch, const NormOutput& out,
                                          const NormGradients& gradients) {
  if (in.x.elements() == 0) {
    fill(gradients.gamma, 0);
    fill(gradients.beta, 0);
    return;
  }
  before_activation(*this, params, out, [&](const BatchNormParams& plain, const NormOutput& at) {
    visit_float(in.x.dtype, [&](auto zero) {
      using T = decltype(zero);
      Pass<T>(pool_, plain, in, of_batch)
          .sums(plain, pool_, block_of<T>(in, at, {}), of_batch, gradients);
    });
  });
}

void CpuBackend::batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                           const NormStatistics& of_batch, const NormOutput& out,
                                           const NormGradients& gradients) {
  if (in.x.elements() == 0) return;
  before_activation(*this, params, out, [&](const BatchNormParams& plain, const NormOutput& at) {
    visit_float(in.x.dtype, [&](auto zero) {
      using T = decltype(zero);
      Pass<T>(pool_, plain, in, of_batch)
          .input(plain, block_of<T>(in, at, gradients), of_batch, gradients);
    });
  });
}

}  // namespace d2l::cpu
