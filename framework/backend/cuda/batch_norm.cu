#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/norm_columns.h"
#include "framework/backend/cuda/prepared.h"
#include "framework/backend/scratch.h"

namespace d2l::cuda {
namespace {

constexpr int kMomentsUnroll = 4;  // rows that a thread reads at a time

// Statistics of some values: their number, their mean as a difference from the first row's value (a
// small number even if the mean is large), and the sum of squared differences from their mean.
struct Moments {
  float count, mean, squares;
};
struct JoinMoments {  // Chan, Golub and LeVeque, 1979
  __device__ Moments operator()(const Moments& a, const Moments& b) const {
    if (b.count == 0.0f) return a;
    if (a.count == 0.0f) return b;
    const float count = a.count + b.count, apart = b.mean - a.mean, share = b.count / count;
    return {count, fmaf(apart, share, a.mean),
            a.squares + b.squares + apart * apart * a.count * share};
  }
};

// Each thread uses its first row as the pivot: the pivot is one of the values, so squared
// differences keep their precision.
template <class T, int kPack>
__global__ void __launch_bounds__(kThreads, kNormBlocks)
    moments_kernel(Columns columns, const T* x, Partials out) {
  const ColumnPlace place(columns, kPack);
  Moments found[kPack];
  for (int p = 0; p < kPack; ++p) found[p] = {0, 0, 0};
  if (place.inside) {
    const T* from = x + place.channel;
    const Pack<T, kPack> pivot = load_pack<kPack>(from + place.row * columns.channels);
    float sum[kPack] = {}, squares[kPack] = {};
    for (int64_t row = place.row; row < columns.rows; row += kMomentsUnroll * place.step) {
      Pack<T, kPack> values[kMomentsUnroll];
      unrolled<kMomentsUnroll>([&](auto u) {
        const int64_t next = row + u * place.step;
        // Rows after the last one equal the pivot and add nothing.
        values[u] = next < columns.rows ? load_pack<kPack>(from + next * columns.channels) : pivot;
      });
      unrolled<kMomentsUnroll>([&](auto u) {
        for (int p = 0; p < kPack; ++p) {
          const float d = static_cast<float>(values[u].at[p]) - static_cast<float>(pivot.at[p]);
          sum[p] += d;
          squares[p] = fmaf(d, d, squares[p]);
        }
      });
    }
    const auto count = static_cast<float>((columns.rows - place.row + place.step - 1) / place.step);
    const Pack<T, kPack> first = load_pack<kPack>(from);
    for (int p = 0; p < kPack; ++p) {
      const float mean = sum[p] / count;
      const float offset = static_cast<float>(pivot.at[p]) - static_cast<float>(first.at[p]);
      found[p] = {count, offset + mean, fmaf(-sum[p], mean, squares[p])};
    }
  }
  join_rows(found, columns.lanes, JoinMoments{});
  if (!place.inside || place.block_row > 0) return;
  for (int p = 0; p < kPack; ++p) {
    out.of(0, blockIdx.x, place.channel + p) = found[p].mean;
    out.of(1, blockIdx.x, place.channel + p) = found[p].squares;
  }
}

// Backend::NormRunning::follow, for each channel.
struct FollowBatch {
  float *mean, *variance;  // null if there are none
  float old, momentum, unbiased;

  FollowBatch(const Backend::NormRunning& running, int64_t rows)
      : mean(running.mean.as<float>()),
        variance(running.variance.as<float>()),
        old(static_cast<float>(1 - running.momentum)),
        momentum(static_cast<float>(running.momentum)) {
    const auto count = static_cast<double>(rows);
    unbiased = static_cast<float>(running.momentum * (rows > 1 ? count / (count - 1) : 1));
  }
  __device__ void operator()(int64_t channel, float of_mean, float of_variance) const {
    if (mean == nullptr) return;
    mean[channel] = momentum * of_mean + old * mean[channel];
    variance[channel] = unbiased * of_variance + old * variance[channel];
  }
};

template <class T>
struct FinishMoments {
  Columns columns;
  int64_t blocks;
  const T* x;
  float *mean, *variance;
  FollowBatch follow;

  // The number of rows of a block.
  __device__ double count(int64_t block) const {
    const int64_t rows = columns.block_rows(), rounds = columns.rows / (blocks * rows);
    const int64_t rest = columns.rows - (rounds * blocks + block) * rows;
    return static_cast<double>(rounds * rows + (rest < 0 ? 0 : rest < rows ? rest : rows));
  }
  __device__ void add(int64_t block, float offset, float squares, Totals& totals) const {
    const double distance = offset, sum = count(block) * distance;
    totals.first += sum;
    totals.second += sum * distance + static_cast<double>(squares);
  }
  __device__ void write(int64_t channel, const Totals& totals) const {
    const auto rows = static_cast<double>(columns.rows);
    const double offset = totals.first / rows, square = totals.second / rows - offset * offset;
    const auto of_mean =
        static_cast<float>(static_cast<double>(static_cast<float>(x[channel])) + offset);
    const auto of_variance = static_cast<float>(square < 0 ? 0 : square);
    mean[channel] = of_mean;
    variance[channel] = of_variance;
    follow(channel, of_mean, of_variance);
  }
};

template <class T>
struct Applied {
  const T *x, *residual;  // residual may be null
  T* y;
  MaskWord<T>* mask;
};

template <class T, int kPack, class F, bool kMasked>
__global__ void __launch_bounds__(kThreads, kNormBlocks)
    apply_kernel(Columns columns, NormChannels channels, Applied<T> on) {
  const ColumnPlace place(columns, kPack);
  if (!place.inside) return;
  const NormLine<kPack> line(channels, place.channel);
  MaskPlace at_mask(columns, place);
  for (int64_t row = place.row; row < columns.rows; row += kNormUnroll<T> * place.step) {
    Pack<T, kPack> values[kNormUnroll<T>], added[kNormUnroll<T>];
    unrolled<kNormUnroll<T>>([&](auto u) {
      const int64_t next = row + u * place.step;
      const int64_t at = (next < columns.rows ? next : row) * columns.channels + place.channel;
      values[u] = load_pack<kPack>(on.x + at);
      if (on.residual != nullptr) added[u] = load_pack<kPack>(on.residual + at);
    });
    unsigned bits = 0;
    unrolled<kNormUnroll<T>>([&](auto u) {
      const int64_t next = row + u * place.step;
      if (next >= columns.rows) return;
      for (int p = 0; p < kPack; ++p) {
        float value = line(p, static_cast<float>(values[u].at[p]));
        if (on.residual != nullptr) value += static_cast<float>(added[u].at[p]);
        values[u].at[p] = static_cast<T>(F{}(value));
        if (kMasked && !(static_cast<float>(values[u].at[p]) <= 0.0f))
          bits |= 1u << (u * kPack + p);
      }
      store_pack(values[u], on.y + next * columns.channels + place.channel);
    });
    if constexpr (kMasked) on.mask[at_mask.next()] = static_cast<MaskWord<T>>(bits);
  }
}

}  // namespace

void CudaBackend::do_batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                                           const NormRunning& running) {
  if (x.elements() == 0) {
    for (const View& view : {of_batch.mean, of_batch.variance})
      D2L_CUDA(cudaMemsetAsync(view.data, 0, static_cast<size_t>(view.bytes()), queue_.stream));
    return;
  }
  visit_packs<kNormPack>(
      x.dtype, x.shape.size(-1), are_aligned(kNormAlignment, x.data), [&](auto zero, auto pack) {
        using T = decltype(zero);
        constexpr int kPack = decltype(pack)::value;
        const auto [columns, grid] = column_grid(queue_, x.shape, kPack, kMomentsUnroll);
        const Scratch<float> memory(pool_, 2 * grid.x * columns.channels);
        const Partials found{memory.data(), grid.x, columns.channels};
        launch(queue_, grid, kThreads, moments_kernel<T, kPack>, columns, x.as<T>(), found);
        finish(queue_, found,
               FinishMoments<T>{columns, grid.x, x.as<T>(), of_batch.mean.as<float>(),
                                of_batch.variance.as<float>(), FollowBatch(running, columns.rows)});
      });
}

int64_t CudaBackend::batch_norm_mask_bytes(const BatchNormParams& params,
                                           const NormOperands& in) const {
  const Shape& shape = in.x.shape;
  if (params.activation != Activation::relu || !in.residual || shape.elements() == 0 ||
      shape.size(-1) % kNormPack != 0)
    return 0;
  int64_t bytes = 0;
  visit_float(in.x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const ColumnGrid at = column_grid(queue_, shape, kNormPack, kNormUnroll<T>);
    bytes = mask_words<T>(at) * static_cast<int64_t>(sizeof(MaskWord<T>));
  });
  return bytes;
}

void CudaBackend::do_batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                                      const NormStatistics& given, View y, View mask) {
  if (y.elements() == 0) return;
  const NormChannels channels{given.mean.as<float>(), given.variance.as<float>(),
                              in.gamma.as<float>(), in.beta.as<float>(),
                              static_cast<float>(params.epsilon)};
  if (mask) {  // its words are for packs
    const OperandRequirements required{.dtype = y.dtype, .alignment = kNormAlignment};
    const PreparedInput x(*this, in.x, required), residual(*this, in.residual, required);
    PreparedOutput result(*this, y, required);
    visit_float(y.dtype, [&](auto zero) {
      using T = decltype(zero);
      const ColumnGrid at = column_grid(queue_, y.shape, kNormPack, kNormUnroll<T>);
      launch(queue_, at.grid, kThreads, apply_kernel<T, kNormPack, formulas::Relu, true>,
             at.columns, channels,
             Applied<T>{x.view().as<T>(), residual.view().as<T>(), result.view().as<T>(),
                        mask.as<MaskWord<T>>()});
    });
    return result.finish();
  }
  const bool aligned = are_aligned(kNormAlignment, in.x.data, in.residual.data, y.data);
  visit_packs<kNormPack>(y.dtype, y.shape.size(-1), aligned, [&](auto zero, auto pack) {
    using T = decltype(zero);
    constexpr int kPack = decltype(pack)::value;
    const auto [columns, grid] = column_grid(queue_, y.shape, kPack, kNormUnroll<T>);
    visit_any_activation(params.activation, [&, &columns = columns, &grid = grid](auto formula) {
      launch(queue_, grid, kThreads, apply_kernel<T, kPack, decltype(formula), false>, columns,
             channels, Applied<T>{in.x.as<T>(), in.residual.as<T>(), y.as<T>(), nullptr});
    });
  });
}

}  // namespace d2l::cuda
