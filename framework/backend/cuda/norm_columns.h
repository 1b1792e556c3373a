#pragma once

#include "framework/backend/cuda/channel_packs.h"
#include "framework/backend/cuda/unrolled.h"
#include "framework/backend/view.h"
#include "framework/base/host_device.h"

// Batch normalisation treats activations as [rows, channels]. Adjacent threads of a block take
// adjacent packs of channels; a block takes several rows at a time, and blocks take the rows in
// turn. Sums over rows are reduced within a block and written; a second kernel adds the blocks'
// sums. The order is always the same.

namespace d2l::cuda {

constexpr int kNormPack = 4;    // channels per thread; more need registers that hold rows in flight
constexpr int kNormBlocks = 4;  // per multiprocessor, which runs all of them at the same time
constexpr int64_t kNormAlignment = 16;  // in bytes, of activations that are read in packs
// Rows that a thread reads at once.
template <class T>
constexpr int kNormUnroll = static_cast<int>(8 / sizeof(T));

struct Columns {
  int64_t rows, channels;
  int lanes;  // packs of channels per block

  D2L_HOST_DEVICE int block_rows() const { return kThreads / lanes; }
};

struct ColumnGrid {
  Columns columns;
  dim3 grid;  // x: over rows, y: over channels
};

inline ColumnGrid column_grid(const Queue& queue, const Shape& shape, int pack, int unroll) {
  const int64_t channels = shape.size(-1), packs = channels / pack;
  const int64_t parts = ceil_div(packs, kWarp);
  const Columns columns{shape.elements() / channels, channels,
                        static_cast<int>(ceil_div(packs, parts))};
  const int64_t wanted = ceil_div(columns.rows, int64_t{unroll} * columns.block_rows());
  const int64_t most = std::max<int64_t>(1, int64_t{kNormBlocks} * queue.multiprocessors / parts);
  return {columns,
          {static_cast<unsigned>(std::min(wanted, most)), static_cast<unsigned>(parts), 1}};
}

// A thread's position: it works on rows `row`, row + step, ... of a pack of channels.
struct ColumnPlace {
  int64_t row, step, channel;
  int block_row;
  bool inside;  // the last threads of a block may have no row

  __device__ ColumnPlace(const Columns& columns, int pack) {
    const int thread = static_cast<int>(threadIdx.x), lanes = columns.lanes;
    const int rows = columns.block_rows();
    block_row = thread / lanes;
    row = static_cast<int64_t>(blockIdx.x) * rows + block_row;
    step = static_cast<int64_t>(gridDim.x) * rows;
    channel = (static_cast<int64_t>(blockIdx.y) * lanes + thread % lanes) * pack;
    inside = block_row < rows && channel < columns.channels && row < columns.rows;
  }
};

// Reduces the values over all rows of a block, which are `lanes` threads apart; row 0 gets the
// result. All threads must call this.
template <class Value, int kPack, class Op>
__device__ void join_rows(Value (&values)[kPack], int lanes, const Op& op) {
  __shared__ Value others[kPack][kThreads];
  const int thread = static_cast<int>(threadIdx.x), row = thread / lanes;
  for (int rows = kThreads / lanes; rows > 1;) {
    const int half = (rows + 1) / 2;
    if (row >= half && row < rows)
      for (int p = 0; p < kPack; ++p) others[p][thread] = values[p];
    __syncthreads();
    if (row + half < rows)
      for (int p = 0; p < kPack; ++p) values[p] = op(values[p], others[p][thread + half * lanes]);
    __syncthreads();
    rows = half;
  }
}

// The sums of the blocks: two numbers per channel.
struct Partials {
  float* at;  // [2, blocks, channels]
  int64_t blocks, channels;

  __device__ float& of(int which, int64_t block, int64_t channel) const {
    return at[(which * blocks + block) * channels + channel];
  }
};

struct Totals {
  double first, second;
};
struct AddTotals {
  __device__ Totals operator()(const Totals& a, const Totals& b) const {
    return {a.first + b.first, a.second + b.second};
  }
};

constexpr int kFinishLanes = 8;  // 32 bytes, a sector

// Adds the blocks' sums to totals with f.add(block, first, second, totals), then calls
// f.write(channel, totals).
template <class F>
__global__ void __launch_bounds__(kThreads) finish_kernel(Partials found, F f) {
  const int lane = static_cast<int>(threadIdx.x) % kFinishLanes;
  const int64_t channel = static_cast<int64_t>(blockIdx.x) * kFinishLanes + lane;
  Totals totals[1] = {{0, 0}};
  if (channel < found.channels)
    for (int64_t block = threadIdx.x / kFinishLanes; block < found.blocks;
         block += kThreads / kFinishLanes)
      f.add(block, found.of(0, block, channel), found.of(1, block, channel), totals[0]);
  join_rows(totals, kFinishLanes, AddTotals{});
  if (threadIdx.x < kFinishLanes && channel < found.channels) f.write(channel, totals[0]);
}

template <class F>
void finish(const Queue& queue, const Partials& found, const F& f) {
  launch(queue, static_cast<unsigned>(ceil_div(found.channels, kFinishLanes)), kThreads,
         finish_kernel<F>, found, f);
}

// --- the mask of a ReLU: one bit per result, 1 where the gradient passes ---

// A word has the results that a thread computes at once: kNormPack channels of kNormUnroll rows.
// Its address depends on the thread's position, so the kernels that write and read the mask must
// have the same grid.
template <class T>
using MaskWord = std::conditional_t<kNormPack * kNormUnroll<T> == 16, uint16_t, uint8_t>;

template <class T>
int64_t mask_words(const ColumnGrid& at) {
  static_assert(8 * sizeof(MaskWord<T>) == kNormPack * kNormUnroll<T>);
  const int64_t step = int64_t{at.grid.x} * at.columns.block_rows();
  const int64_t times = ceil_div(at.columns.rows, kNormUnroll<T> * step);
  return times * step * (at.columns.channels / kNormPack);
}

// The positions of a thread's words, one after the other.
class MaskPlace {
 public:
  __device__ MaskPlace(const Columns& columns, const ColumnPlace& place) {
    const int64_t packs = columns.channels / kNormPack;
    word_ = place.row * packs + place.channel / kNormPack;
    step_ = place.step * packs;
  }
  __device__ int64_t next() {
    const int64_t word = word_;
    word_ += step_;
    return word;
  }

 private:
  int64_t word_, step_;
};

// --- the affine map of each channel ---

struct NormChannels {
  const float *mean, *variance, *gamma, *beta;
  float epsilon;
};

template <int kPack>
__device__ void load_floats(const float* from, float (&to)[kPack]) {
  if constexpr (kPack % 4 == 0) {
    if (reinterpret_cast<uintptr_t>(from) % 16 == 0) {
      for (int q = 0; q < kPack; q += 4) {
        const Pack<float, 4> four = load_pack<4>(from + q);
        for (int p = 0; p < 4; ++p) to[q + p] = four.at[p];
      }
      return;
    }
  }
  for (int p = 0; p < kPack; ++p) to[p] = from[p];
}

// y = (x - mean) scale + shift, with the same bits in every kernel, so that the gradient can tell
// which results were negative.
template <int kPack>
struct NormLine {
  float mean[kPack], inverse[kPack], scale[kPack], shift[kPack];  // inverse: 1 / deviation

  __device__ NormLine(const NormChannels& of, int64_t channel) {
    load_floats(of.mean + channel, mean);
    load_floats(of.variance + channel, inverse);
    load_floats(of.gamma + channel, scale);
    load_floats(of.beta + channel, shift);
    for (int p = 0; p < kPack; ++p) {
      inverse[p] = rsqrtf(inverse[p] + of.epsilon);
      scale[p] *= inverse[p];
    }
  }
  __device__ float operator()(int p, float x) const {
    return fmaf(x - mean[p], scale[p], shift[p]);
  }
};

}  // namespace d2l::cuda
