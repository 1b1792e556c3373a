#include <cmath>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/norm_columns.h"
#include "framework/backend/scratch.h"

namespace d2l::cuda {
namespace {

constexpr int kInputUnroll = 2;  // rows that a thread of the last kernel reads at a time

// How the gradient before the activation follows from that of its result y and from the value
// before it.
struct Same {
  static constexpr bool kReadsY = false;
  __device__ float operator()(float grad, float, float) const { return grad; }
};
// ReLU without a residual: x alone says where it is 0.
struct FromValue {
  static constexpr bool kReadsY = false;
  __device__ float operator()(float grad, float value, float) const {
    return value <= 0.0f ? 0.0f : grad;
  }
};
template <class F>
struct FromResult {
  static constexpr bool kReadsY = true;
  __device__ float operator()(float grad, float, float y) const {
    return grad * F{}.derivative(0.0f, y);
  }
};
template <>
struct FromResult<formulas::Relu> {
  static constexpr bool kReadsY = true;
  __device__ float operator()(float grad, float, float y) const { return y <= 0.0f ? 0.0f : grad; }
};

template <class Visitor>
void visit_before(Activation activation, bool with_residual, Visitor&& visitor) {
  if (activation == Activation::none) return visitor(Same{});
  if (activation == Activation::relu && !with_residual) return visitor(FromValue{});
  visit_activation(activation, [&](auto formula) { visitor(FromResult<decltype(formula)>{}); });
}

template <class T>
struct Inputs {
  const T *x, *y, *grad_y;  // y may be null where it is not read
};

// One pack of each input.
template <class T, int kPack, bool kReadsY>
struct Loaded {
  Pack<T, kPack> x, grad_y, y;

  __device__ void load(const Inputs<T>& in, int64_t at) {
    x = load_pack<kPack>(in.x + at);
    grad_y = load_pack<kPack>(in.grad_y + at);
    if constexpr (kReadsY) y = load_pack<kPack>(in.y + at);
  }
};

struct Sums {
  float grad, product;  // of the gradients, and of them times x - mean
};
struct AddSums {
  __device__ Sums operator()(const Sums& a, const Sums& b) const {
    return {a.grad + b.grad, a.product + b.product};
  }
};

template <class T, int kPack, class Before>
__global__ void __launch_bounds__(kThreads, kNormBlocks)
    sums_kernel(Columns columns, NormChannels channels, Inputs<T> in, Partials out) {
  const ColumnPlace place(columns, kPack);
  Sums sums[kPack];
  for (int p = 0; p < kPack; ++p) sums[p] = {0, 0};
  if (place.inside) {
    const NormLine<kPack> line(channels, place.channel);
    for (int64_t row = place.row; row < columns.rows; row += kNormUnroll<T> * place.step) {
      Loaded<T, kPack, Before::kReadsY> loaded[kNormUnroll<T>];
      unrolled<kNormUnroll<T>>([&](auto u) {
        const int64_t next = row + u * place.step;
        loaded[u].load(in, (next < columns.rows ? next : row) * columns.channels + place.channel);
      });
      unrolled<kNormUnroll<T>>([&](auto u) {
        if (row + u * place.step >= columns.rows) return;
        for (int p = 0; p < kPack; ++p) {
          const auto x = static_cast<float>(loaded[u].x.at[p]);
          const float grad = Before{}(static_cast<float>(loaded[u].grad_y.at[p]), line(p, x),
                                      static_cast<float>(loaded[u].y.at[p]));
          sums[p].grad += grad;
          sums[p].product = fmaf(grad, x - line.mean[p], sums[p].product);
        }
      });
    }
  }
  join_rows(sums, columns.lanes, AddSums{});
  if (!place.inside || place.block_row > 0) return;
  for (int p = 0; p < kPack; ++p) {
    out.of(0, blockIdx.x, place.channel + p) = sums[p].grad;
    out.of(1, blockIdx.x, place.channel + p) = sums[p].product;
  }
}

struct FinishSums {
  const float* variance;
  double epsilon;
  float *gamma, *beta;

  __device__ void add(int64_t, float grad, float product, Totals& totals) const {
    totals.first += static_cast<double>(grad);
    totals.second += static_cast<double>(product);
  }
  __device__ void write(int64_t channel, const Totals& totals) const {
    const double deviation = std::sqrt(static_cast<double>(variance[channel]) + epsilon);
    beta[channel] = static_cast<float>(totals.first);
    gamma[channel] = static_cast<float>(totals.second / deviation);
  }
};

template <class T>
struct Outputs {
  const float *gamma, *beta;  // the sums
  float one_row;              // 1 / rows
  T *x, *residual;            // residual may be null
};

// grad_x = scale (grad - mean of grad - (x - mean) slope), as scale grad + (x - mean) tilt + lift
template <class T, int kPack, class Before>
__global__ void __launch_bounds__(kThreads, kNormBlocks)
    input_kernel(Columns columns, NormChannels channels, Inputs<T> in, Outputs<T> out) {
  const ColumnPlace place(columns, kPack);
  if (!place.inside) return;
  const NormLine<kPack> line(channels, place.channel);
  float tilt[kPack], lift[kPack];
  load_floats(out.gamma + place.channel, tilt);
  load_floats(out.beta + place.channel, lift);
  for (int p = 0; p < kPack; ++p) {
    tilt[p] *= -line.scale[p] * line.inverse[p] * out.one_row;
    lift[p] *= -line.scale[p] * out.one_row;
  }
  for (int64_t row = place.row; row < columns.rows; row += kInputUnroll * place.step) {
    Loaded<T, kPack, Before::kReadsY> loaded[kInputUnroll];
    unrolled<kInputUnroll>([&](auto u) {
      const int64_t next = row + u * place.step;
      loaded[u].load(in, (next < columns.rows ? next : row) * columns.channels + place.channel);
    });
    unrolled<kInputUnroll>([&](auto u) {
      const int64_t next = row + u * place.step;
      if (next >= columns.rows) return;
      Pack<T, kPack> grad_x, grad_residual;
      for (int p = 0; p < kPack; ++p) {
        const auto x = static_cast<float>(loaded[u].x.at[p]);
        const float grad = Before{}(static_cast<float>(loaded[u].grad_y.at[p]), line(p, x),
                                    static_cast<float>(loaded[u].y.at[p]));
        const float rest = fmaf(x - line.mean[p], tilt[p], lift[p]);
        grad_x.at[p] = static_cast<T>(fmaf(line.scale[p], grad, rest));
        grad_residual.at[p] = static_cast<T>(grad);
      }
      const int64_t at = next * columns.channels + place.channel;
      store_pack(grad_x, out.x + at);
      if (out.residual != nullptr) store_pack(grad_residual, out.residual + at);
    });
  }
}

NormChannels channels_of(const BatchNormParams& params, const Backend::NormOperands& in,
                         const Backend::NormStatistics& of_batch) {
  return {of_batch.mean.as<float>(), of_batch.variance.as<float>(), in.gamma.as<float>(),
          in.beta.as<float>(), static_cast<float>(params.epsilon)};
}

}  // namespace

void CudaBackend::batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                           const NormStatistics& of_batch, const NormOutput& out,
                                           const NormGradients& gradients) {
  const ConstView& x = in.x;
  if (x.elements() == 0) {
    for (const View& view : {gradients.gamma, gradients.beta})
      D2L_CUDA(cudaMemsetAsync(view.data, 0, static_cast<size_t>(view.bytes()), queue_.stream));
    return;
  }
  const bool aligned = are_aligned(16, x.data, out.y.data, out.grad_y.data);
  visit_packs<kNormPack>(x.dtype, x.shape.size(-1), aligned, [&](auto zero, auto pack) {
    using T = decltype(zero);
    constexpr int kPack = decltype(pack)::value;
    const ColumnGrid at = column_grid(queue_, x.shape, kPack, kNormUnroll<T>);
    const Scratch<float> memory(pool_, 2 * at.grid.x * at.columns.channels);
    const Partials found{memory.data(), at.grid.x, at.columns.channels};
    const Inputs<T> inputs{x.as<T>(), out.y.as<T>(), out.grad_y.as<T>()};
    visit_before(params.activation, static_cast<bool>(in.residual), [&](auto before) {
      launch(queue_, at.grid, kThreads, sums_kernel<T, kPack, decltype(before)>, at.columns,
             channels_of(params, in, of_batch), inputs, found);
    });
    finish(queue_, found,
           FinishSums{of_batch.variance.as<float>(), params.epsilon, gradients.gamma.as<float>(),
                      gradients.beta.as<float>()});
  });
}

void CudaBackend::batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                            const NormStatistics& of_batch, const NormOutput& out,
                                            const NormGradients& gradients) {
  const ConstView& x = in.x;
  if (x.elements() == 0) return;
  const bool aligned = are_aligned(16, x.data, out.y.data, out.grad_y.data, gradients.x.data,
                                   gradients.residual.data);
  visit_packs<kNormPack>(x.dtype, x.shape.size(-1), aligned, [&](auto zero, auto pack) {
    using T = decltype(zero);
    constexpr int kPack = decltype(pack)::value;
    const ColumnGrid at = column_grid(queue_, x.shape, kPack, kInputUnroll);
    const Inputs<T> inputs{x.as<T>(), out.y.as<T>(), out.grad_y.as<T>()};
    const Outputs<T> outputs{gradients.gamma.as<float>(), gradients.beta.as<float>(),
                             static_cast<float>(1.0 / static_cast<double>(gradients.rows)),
                             gradients.x.as<T>(), gradients.residual.as<T>()};
    visit_before(params.activation, static_cast<bool>(in.residual), [&](auto before) {
      launch(queue_, at.grid, kThreads, input_kernel<T, kPack, decltype(before)>, at.columns,
             channels_of(params, in, of_batch), inputs, outputs);
    });
  });
}

}  // namespace d2l::cuda
