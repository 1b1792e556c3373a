#pragma once

#include "framework/backend/cuda/block_sum.h"
#include "framework/backend/cuda/pack.h"

// table[indices[i], :] += rows[i, :] in the order of i. Every warp reads all indices and adds the
// rows of its own part of the table (some rows and columns), so no element has two writers.

namespace d2l::cuda {

struct ScatterRows {
  const float* rows;
  const int64_t* indices;
  float* table;
  int64_t count, columns;
  int64_t groups = 1;  // of the table's rows, a power of two: row r belongs to group r % groups
  int64_t strips = 1;  // of the columns
};

struct Or {
  __device__ uint64_t operator()(uint64_t a, uint64_t b) const { return a | b; }
};

// A warp's columns of one row of the table, summed in registers.
template <int kWide>
class RowSum {
 public:
  using Values = Pack<float, kWide>;

  __device__ RowSum(const ScatterRows& job, int64_t column) : job_(job), column_(column) {}

  __device__ Values row(int64_t i) const {
    return valid() ? *reinterpret_cast<const Values*>(job_.rows + i * job_.columns + column_)
                   : Values{};
  }
  __device__ void add(int64_t row, const Values& values) {
    if (row != row_) {
      flush();
      row_ = row;
      if (valid()) sum_ = *place();
    }
    for (int k = 0; k < kWide; ++k) sum_.at[k] += values.at[k];
  }
  __device__ void flush() {
    if (row_ >= 0 && valid()) *place() = sum_;
  }

 private:
  __device__ bool valid() const { return column_ < job_.columns; }
  __device__ Values* place() const {
    return reinterpret_cast<Values*>(job_.table + row_ * job_.columns + column_);
  }

  const ScatterRows& job_;
  int64_t column_, row_ = -1;
  Values sum_{};
};

// Adds the rows `first + bit` for all bits set in `mine`. near and far: a lane's indices of the
// rows first + lane and first + 32 + lane.
template <int kWide>
__device__ void add_rows(RowSum<kWide>& sum, uint64_t mine, int64_t first, int64_t near,
                         int64_t far) {
  constexpr int kAtOnce = 4;  // rows that are loaded together
  while (mine != 0) {
    int bits[kAtOnce];
    Pack<float, kWide> values[kAtOnce];
    for (int k = 0; k < kAtOnce; ++k) {
      bits[k] = mine == 0 ? -1 : std::countr_zero(mine);
      mine &= mine - (mine != 0);
      if (bits[k] >= 0) values[k] = sum.row(first + bits[k]);
    }
    for (int k = 0; k < kAtOnce; ++k)
      if (bits[k] >= 0)
        sum.add(__shfl_sync(0xffffffffu, bits[k] < kWarp ? near : far, bits[k] % kWarp), values[k]);
  }
}

template <int kWide>
__global__ void __launch_bounds__(kThreads) scatter_rows_kernel(ScatterRows job) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int64_t warp = first_item() / kWarp;
  const int64_t strip = warp / job.groups, group = warp & (job.groups - 1);
  if (strip >= job.strips) return;
  RowSum<kWide> sum(job, (strip * kWarp + lane) * kWide);
  auto index_of = [&](int64_t i) { return i < job.count ? job.indices[i] : -1; };
  auto bit_of = [&](int64_t index, int bit) {
    return index >= 0 && (index & (job.groups - 1)) == group ? uint64_t{1} << bit : 0;
  };
  int64_t near = index_of(lane), far = index_of(kWarp + lane);
  for (int64_t first = 0; first < job.count; first += 2 * kWarp) {
    const int64_t next = first + 2 * kWarp + lane;
    const int64_t next_near = index_of(next), next_far = index_of(next + kWarp);
    const uint64_t mine = warp_all(bit_of(near, lane) | bit_of(far, kWarp + lane), Or{});
    add_rows(sum, mine, first, near, far);
    near = next_near;
    far = next_far;
  }
  sum.flush();
}

template <int kWide>
void scatter_rows(const Queue& queue, ScatterRows job, int64_t table_rows) {
  constexpr int64_t kWarpsEach = 16;  // per multiprocessor
  job.strips = ceil_div(job.columns, kWide * kWarp);
  const int64_t most = std::max<int64_t>(1, kWarpsEach * queue.multiprocessors / job.strips);
  const auto groups = static_cast<uint64_t>(std::min({job.count, table_rows, most}));
  job.groups = static_cast<int64_t>(std::bit_floor(groups));
  launch(queue, static_cast<unsigned>(ceil_div(job.groups * job.strips * kWarp, kThreads)),
         kThreads, scatter_rows_kernel<kWide>, job);
}

}  // namespace d2l::cuda
