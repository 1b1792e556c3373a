#include <bit>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/reduce_axis.h"

namespace d2l::cuda {
namespace {

Axis around(const Shape& shape, int axis) {
  const int at = shape.axis_index(axis);
  return {shape.elements(0, at), shape[at], shape.elements(at + 1, shape.rank())};
}

// A value and its index packed into one number: larger values give larger numbers, and for equal
// values smaller indices do. NaN counts as larger than any number.
struct ArgMax {
  using Value = uint64_t;

  ArgMax part() const { return {}; }
  __device__ uint64_t nothing() const { return 0; }
  __device__ uint64_t load(float x, int64_t index) const {
    const uint32_t bits = std::bit_cast<uint32_t>(x == 0.0f ? 0.0f : x);
    uint32_t order = (bits >> 31) != 0 ? ~bits : bits | 0x80000000u;
    if (x != x) order = 0xffffffffu;
    return static_cast<uint64_t>(order) << 32 | ~static_cast<uint32_t>(index);
  }
  __device__ uint64_t load(uint64_t found, int64_t) const { return found; }
  __device__ uint64_t combine(uint64_t a, uint64_t b) const { return a > b ? a : b; }
  __device__ void store(uint64_t found, uint64_t& to) const { to = found; }
  __device__ void store(uint64_t found, int64_t& to) const {
    to = static_cast<int64_t>(~static_cast<uint32_t>(found));
  }
};

struct PlainSum {
  using Value = float;

  __device__ float nothing() const { return 0; }
  __device__ float load(float x, int64_t) const { return x; }
  __device__ float combine(float a, float b) const { return a + b; }
  __device__ void store(float sum, float& to) const { to = sum; }
};

// Running sums within pieces of an axis. `reached` [outer, pieces, inner] has the running sums of
// the pieces' totals, which are the start values of the pieces. It is not read if there is only one
// piece.
struct Scan {
  Axis axis;
  int64_t pieces;
  bool reverse;
  const float* x;
  const float* reached;
  float* y;

  struct Piece {
    int64_t offset, begin, end;  // of the column's first element; rows
  };
  __device__ Piece piece_at(int64_t slice, int64_t piece, int64_t column) const {
    const int64_t begin = piece * axis.piece, left = axis.n - begin;
    return {slice * axis.n * axis.inner + column, begin,
            begin + (left < axis.piece ? left : axis.piece)};
  }
  __device__ float before(int64_t slice, int64_t piece, int64_t column) const {
    const int64_t previous = reverse ? piece + 1 : piece - 1;
    if (previous < 0 || previous >= pieces) return 0;
    return reached[(slice * pieces + previous) * axis.inner + column];
  }
};

// The sum of the values of this lane and of all lower lanes; all lanes must call this.
__device__ inline float warp_prefix(float value) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  for (int step = 1; step < kWarp; step *= 2) {
    const float below = __shfl_up_sync(0xffffffffu, value, static_cast<unsigned>(step));
    if (lane >= step) value += below;
  }
  return value;
}

// kWarps warps per piece of a row: one warp, or all warps of a block.
template <int kWarps>
__global__ void __launch_bounds__(kThreads) scan_rows_kernel(Scan scan) {
  constexpr int kItems = 4, kOfWarp = kItems * kWarp;
  __shared__ float of_warps[kWarps];
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp % kWarps;
  const int64_t task = first_item() / (kWarps * kWarp), slice = task / scan.pieces;
  const bool real = slice < scan.axis.outer;
  const auto [offset, begin, end] = scan.piece_at(slice, task % scan.pieces, 0);
  const int64_t count = real ? end - begin : 0;
  float carry = real ? scan.before(slice, task % scan.pieces, 0) : 0;
  // Barriers are used only if the whole block is on one piece, so that all threads make the same
  // number of iterations.
  for (int64_t tile = 0; tile < count; tile += kWarps * kOfWarp) {
    float values[kItems], total = 0;
    int64_t at[kItems];
    for (int k = 0; k < kItems; ++k) {
      const int64_t i = tile + warp * kOfWarp + k * kWarp + lane;
      at[k] = i < count ? offset + (scan.reverse ? end - 1 - i : begin + i) : -1;
      values[k] = at[k] >= 0 ? scan.x[at[k]] : 0.0f;
    }
    for (float& value : values) {
      value = total + warp_prefix(value);
      total = __shfl_sync(0xffffffffu, value, kWarp - 1);
    }
    float below = 0, all = total;
    if constexpr (kWarps > 1) {
      __syncthreads();  // the sums of the last tile have been read
      if (lane == 0) of_warps[warp] = total;
      __syncthreads();
      all = 0;
      for (int w = 0; w < kWarps; ++w) {
        if (w == warp) below = all;
        all += of_warps[w];
      }
    }
    for (int k = 0; k < kItems; ++k)
      if (at[k] >= 0) scan.y[at[k]] = carry + (below + values[k]);
    carry += all;
  }
}

// One thread per piece of a column (or of a row of few elements).
struct ScanColumn {
  Scan scan;

  __device__ void operator()(int64_t i) const {
    constexpr int64_t kRows = 8;  // rows in flight, summed separately
    const int64_t inner = scan.axis.inner, column = i % inner, task = i / inner;
    const int64_t slice = task / scan.pieces, piece = task % scan.pieces;
    const auto [offset, begin, end] = scan.piece_at(slice, piece, column);
    const int64_t first = offset + (scan.reverse ? end - 1 : begin) * inner;
    const int64_t step = scan.reverse ? -inner : inner, count = end - begin;
    float carry = scan.before(slice, piece, column);
    for (int64_t row = 0; row < count; row += kRows) {
      float values[kRows];
      for (int64_t k = 0; k < kRows; ++k)
        values[k] = row + k < count ? scan.x[first + (row + k) * step] : 0.0f;
      float sum = 0;
      for (int64_t k = 0; k < kRows; ++k) {
        sum += values[k];
        if (row + k < count) scan.y[first + (row + k) * step] = carry + sum;
      }
      carry += sum;
    }
  }
};

int64_t scan_pieces_for(const Axis& axis) {
  constexpr int64_t kBlocks = 2048, kLongRow = 4096;
  constexpr int64_t kManyThreads = int64_t{1} << 16, kLongColumn = 64;
  const bool rows = axis.inner == 1;
  const int64_t tasks = axis.outer * axis.inner;
  return std::clamp<int64_t>((rows ? kBlocks : kManyThreads) / tasks, 1,
                             ceil_div(axis.n, rows ? kLongRow : kLongColumn));
}

// Long axes: computes the sums of the pieces, then the running sums of these, then all pieces in
// parallel.
void scan_axis(const LaunchContext& context, const Axis& whole, bool reverse, const float* x,
               float* y) {
  const Axis axis = whole.cut(scan_pieces_for(whole));
  const int64_t pieces = axis.pieces(), tasks = axis.outer * pieces * axis.inner;
  Scratch<float> sums(context.pool, pieces > 1 ? 2 * tasks : 0);
  float* reached = nullptr;
  if (pieces > 1) {
    reached = sums.data() + tasks;
    reduce_pieces(context.queue, PlainSum{}, axis, x, sums.data());
    scan_axis(context, {axis.outer, pieces, axis.inner}, reverse, sums.data(), reached);
  }
  const Scan scan{axis, pieces, reverse, x, reached, y};
  constexpr int64_t kFewOfRow = 16;
  if (axis.inner > 1 || axis.piece <= kFewOfRow)
    return for_each(context.queue, tasks, ScanColumn{scan});
  constexpr int kAll = kThreads / kWarp;
  if (axis.piece > 4 * kWarp)
    launch(context.queue, static_cast<unsigned>(tasks), kThreads, scan_rows_kernel<kAll>, scan);
  else
    launch(context.queue, static_cast<unsigned>(ceil_div(tasks, kAll)), kThreads,
           scan_rows_kernel<1>, scan);
}

}  // namespace

void CudaBackend::do_argmax(ConstView x, int axis, View indices) {
  if (x.elements() == 0) return;
  const Axis along = around(x.shape, axis);
  check(along.n <= int64_t{0xffffffff}, "argmax: an axis of ", along.n, " elements is too long");
  reduce_axis(LaunchContext{queue_, pool_}, ArgMax{}, along, x.as<float>(), indices.as<int64_t>());
}

void CudaBackend::do_cumsum(ConstView x, int axis, bool reverse, View y) {
  if (x.elements() == 0) return;
  scan_axis(LaunchContext{queue_, pool_}, around(x.shape, axis), reverse, x.as<float>(),
            y.as<float>());
}

}  // namespace d2l::cuda
