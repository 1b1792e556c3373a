#include <cmath>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/norm_columns.h"
#include "framework/backend/cuda/prepared.h"
#include "framework/backend/scratch.h"

namespace d2l::cuda {
namespace {

// How to compute the gradient before the activation: from the gradient of the result, x, and y or
// the mask. If it has an output array, the gradient is stored there; the inputs are read once.
struct Same {
  static constexpr bool kReadsY = false, kReadsMask = false;
  __device__ float operator()(float grad, float, float) const { return grad; }
};
// ReLU without a residual: x alone tells where it is 0.
struct FromValue {
  static constexpr bool kReadsY = false, kReadsMask = false;
  __device__ float operator()(float grad, float value, float) const {
    return value <= 0.0f ? 0.0f : grad;
  }
};
template <class F>
struct FromResult {
  static constexpr bool kReadsY = true, kReadsMask = false;
  __device__ float operator()(float grad, float, float y) const {
    return grad * F{}.derivative(0.0f, y);
  }
};
template <>
struct FromResult<formulas::Relu> {
  static constexpr bool kReadsY = true, kReadsMask = false;
  __device__ float operator()(float grad, float, float y) const { return y <= 0.0f ? 0.0f : grad; }
};
struct FromMask {
  static constexpr bool kReadsY = false, kReadsMask = true;
  __device__ float operator()(float grad, float, float bit) const {
    return bit == 0.0f ? 0.0f : grad;
  }
};

template <class T>
struct Inputs {
  const T *x, *y, *grad_y;  // y may be null if it is not read
  const MaskWord<T>* mask;  // null if it is not read
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
  float grad, product;  // sums of the gradients, and of gradient * (x - mean)
};
struct AddSums {
  __device__ Sums operator()(const Sums& a, const Sums& b) const {
    return {a.grad + b.grad, a.product + b.product};
  }
};

template <class T>
struct SumsOutputs {
  T* before;  // the gradient before the activation
  Partials sums;
};

template <class T, int kPack, class GradientSource>
__global__ void __launch_bounds__(kThreads, kNormBlocks)
    sums_kernel(Columns columns, NormChannels channels, Inputs<T> in, SumsOutputs<T> out) {
  const ColumnPlace place(columns, kPack);
  Sums sums[kPack];
  for (int p = 0; p < kPack; ++p) sums[p] = {0, 0};
  if (place.inside) {
    const NormLine<kPack> line(channels, place.channel);
    MaskPlace at_mask(columns, place);
    for (int64_t row = place.row; row < columns.rows; row += kNormUnroll<T> * place.step) {
      Loaded<T, kPack, GradientSource::kReadsY> loaded[kNormUnroll<T>];
      unsigned bits = 0;
      if constexpr (GradientSource::kReadsMask) bits = in.mask[at_mask.next()];
      unrolled<kNormUnroll<T>>([&](auto u) {
        const int64_t next = row + u * place.step;
        loaded[u].load(in, (next < columns.rows ? next : row) * columns.channels + place.channel);
      });
      unrolled<kNormUnroll<T>>([&](auto u) {
        const int64_t next = row + u * place.step;
        if (next >= columns.rows) return;
        Pack<T, kPack> before;
        for (int p = 0; p < kPack; ++p) {
          const auto x = static_cast<float>(loaded[u].x.at[p]);
          const float told = GradientSource::kReadsMask
                                 ? static_cast<float>(bits >> (u * kPack + p) & 1u)
                                 : static_cast<float>(loaded[u].y.at[p]);
          const float grad =
              GradientSource{}(static_cast<float>(loaded[u].grad_y.at[p]), line(p, x), told);
          sums[p].grad += grad;
          sums[p].product = fmaf(grad, x - line.mean[p], sums[p].product);
          before.at[p] = static_cast<T>(grad);
        }
        if constexpr (GradientSource::kReadsY || GradientSource::kReadsMask)
          store_pack(before, out.before + next * columns.channels + place.channel);
      });
    }
  }
  join_rows(sums, columns.lanes, AddSums{});
  if (!place.inside || place.block_row > 0) return;
  for (int p = 0; p < kPack; ++p) {
    out.sums.of(0, blockIdx.x, place.channel + p) = sums[p].grad;
    out.sums.of(1, blockIdx.x, place.channel + p) = sums[p].product;
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
  T* x;
};

// grad_x = scale (grad - mean of grad - (x - mean) slope), computed as scale grad + (x - mean) tilt
// + lift
template <class T, int kPack, class GradientSource>
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
  for (int64_t row = place.row; row < columns.rows; row += kNormUnroll<T> * place.step) {
    Loaded<T, kPack, false> loaded[kNormUnroll<T>];
    unrolled<kNormUnroll<T>>([&](auto u) {
      const int64_t next = row + u * place.step;
      loaded[u].load(in, (next < columns.rows ? next : row) * columns.channels + place.channel);
    });
    unrolled<kNormUnroll<T>>([&](auto u) {
      const int64_t next = row + u * place.step;
      if (next >= columns.rows) return;
      Pack<T, kPack> grad_x;
      for (int p = 0; p < kPack; ++p) {
        const auto x = static_cast<float>(loaded[u].x.at[p]);
        const float grad =
            GradientSource{}(static_cast<float>(loaded[u].grad_y.at[p]), line(p, x), 0.0f);
        const float rest = fmaf(x - line.mean[p], tilt[p], lift[p]);
        grad_x.at[p] = static_cast<T>(fmaf(line.scale[p], grad, rest));
      }
      store_pack(grad_x, out.x + next * columns.channels + place.channel);
    });
  }
}

NormChannels channels_of(const BatchNormParams& params, const Backend::NormOperands& in,
                         const Backend::NormStatistics& of_batch) {
  return {of_batch.mean.as<float>(), of_batch.variance.as<float>(), in.gamma.as<float>(),
          in.beta.as<float>(), static_cast<float>(params.epsilon)};
}

// Calls visitor(GradientSource{}) if there is no mask.
template <class Visitor>
void visit_gradient_source(const BatchNormParams& params, const View& before, Visitor&& visitor) {
  if (params.activation == Activation::none) return visitor(Same{});
  if (!before) return visitor(FromValue{});
  visit_activation(params.activation,
                   [&](auto formula) { visitor(FromResult<decltype(formula)>{}); });
}

// The arguments of one call of batch_norm_gradient_sums.
struct SumsCall {
  const Queue& queue;
  MemoryPool& pool;
  NormChannels channels;
  FinishSums finish_sums;

  template <int kPack, class GradientSource, class T>
  void run(const Shape& shape, GradientSource, const Inputs<T>& in, T* before) const {
    const ColumnGrid at = column_grid(queue, shape, kPack, kNormUnroll<T>);
    const Scratch<float> memory(pool, 2 * at.grid.x * at.columns.channels);
    const Partials found{memory.data(), at.grid.x, at.columns.channels};
    launch(queue, at.grid, kThreads, sums_kernel<T, kPack, GradientSource>, at.columns, channels,
           in, SumsOutputs<T>{before, found});
    finish(queue, found, finish_sums);
  }
};

}  // namespace

void CudaBackend::do_batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                              const NormStatistics& of_batch, const NormOutput& out,
                                              const NormGradients& gradients) {
  const Shape& shape = in.x.shape;
  if (shape.elements() == 0) {
    for (const View& view : {gradients.gamma, gradients.beta})
      D2L_CUDA(cudaMemsetAsync(view.data, 0, static_cast<size_t>(view.bytes()), queue_.stream));
    return;
  }
  const SumsCall call{queue_, pool_, channels_of(params, in, of_batch),
                      FinishSums{of_batch.variance.as<float>(), params.epsilon,
                                 gradients.gamma.as<float>(), gradients.beta.as<float>()}};
  if (out.mask) {  // written by batch_norm_apply
    const OperandRequirements required{.dtype = in.x.dtype, .alignment = kNormAlignment};
    const PreparedInput x(*this, in.x, required), grad_y(*this, out.grad_y, required);
    PreparedOutput before(*this, gradients.before, required);
    visit_float(in.x.dtype, [&](auto zero) {
      using T = decltype(zero);
      const Inputs<T> inputs{x.view().as<T>(), nullptr, grad_y.view().as<T>(),
                             out.mask.as<MaskWord<T>>()};
      call.run<kNormPack>(shape, FromMask{}, inputs, before.view().as<T>());
    });
    return before.finish();
  }
  const bool aligned =
      are_aligned(kNormAlignment, in.x.data, out.y.data, out.grad_y.data, gradients.before.data);
  visit_packs<kNormPack>(in.x.dtype, shape.size(-1), aligned, [&](auto zero, auto pack) {
    using T = decltype(zero);
    constexpr int kPack = decltype(pack)::value;
    const Inputs<T> inputs{in.x.as<T>(), out.y.as<T>(), out.grad_y.as<T>(), nullptr};
    visit_gradient_source(params, gradients.before, [&](auto source) {
      call.run<kPack>(shape, source, inputs, gradients.before.as<T>());
    });
  });
}

void CudaBackend::do_batch_norm_gradient_input(const BatchNormParams& params,
                                               const NormOperands& in,
                                               const NormStatistics& of_batch,
                                               const NormOutput& out,
                                               const NormGradients& gradients) {
  const ConstView& x = in.x;
  if (x.elements() == 0) return;
  const ConstView grad = gradients.before ? gradients.before : out.grad_y;
  const bool is_same = gradients.before || params.activation == Activation::none;
  const bool aligned = are_aligned(kNormAlignment, x.data, grad.data, gradients.x.data);
  visit_packs<kNormPack>(x.dtype, x.shape.size(-1), aligned, [&](auto zero, auto pack) {
    using T = decltype(zero);
    constexpr int kPack = decltype(pack)::value;
    const ColumnGrid at = column_grid(queue_, x.shape, kPack, kNormUnroll<T>);
    const Inputs<T> inputs{x.as<T>(), nullptr, grad.as<T>(), nullptr};
    const Outputs<T> outputs{gradients.gamma.as<float>(), gradients.beta.as<float>(),
                             static_cast<float>(1.0 / static_cast<double>(gradients.rows)),
                             gradients.x.as<T>()};
    const auto run = [&](auto source) {
      launch(queue_, at.grid, kThreads, input_kernel<T, kPack, decltype(source)>, at.columns,
             channels_of(params, in, of_batch), inputs, outputs);
    };
    is_same ? run(Same{}) : run(FromValue{});
  });
}

}  // namespace d2l::cuda
