#pragma once

#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/pack.h"
#include "framework/backend/cuda/unrolled.h"

// Attention with rows in registers: a few lanes of a warp share a row (a query, or a key with its
// value), and each lane holds a part of its elements. The rows of the other operand go through
// shared memory, one tile at a time. Rows are padded with zeros to kWidth elements.

namespace d2l::cuda {

constexpr int kTile = 32;               // rows in shared memory
constexpr int kAttentionThreads = 128;  // maximum per block

template <int kWidth>
constexpr int kLanesOf = kWidth > 64 ? 8 : 4;  // lanes per row
template <int kWidth>
constexpr int kPartOf = kWidth / kLanesOf<kWidth>;  // elements per lane

// One operand of attention: [samples, rows, heads * columns].
template <class T>
struct Operand {
  T* at;
  int64_t sample_step, row_step;
  int rows, columns;
};

// How many keys each query sees. 0: the weights are uniform, whatever the scores.
struct Limits {
  const int64_t* lengths;  // null: all keys
  int64_t sample_step, query_step;
  int keys;

  __device__ int of(int64_t sample, int query) const {
    if (lengths == nullptr) return keys;
    const int64_t length = lengths[sample * sample_step + query * query_step];
    return static_cast<int>(length < 0 ? 0 : length < keys ? length : keys);
  }
};

// All heads of all samples; `blocks` blocks per head.
struct Heads {
  int heads, blocks;
  float scale;  // of scores
  Limits limits;
};

// The position of a thread: it works on rows `first`, ..., first + kRows - 1 of its block, which it
// shares with adjacent lanes.
struct LanePlace {
  int part;    // the number of this lane among those that share the rows
  int leader;  // the first of those lanes
  int first;
};
template <int kWidth, int kRows>
struct AttentionRow : LanePlace {
  static constexpr int kLanes = kLanesOf<kWidth>;
  static constexpr int kRowsOfWarp = kWarp / kLanes * kRows;

  __device__ AttentionRow() {
    const int thread = static_cast<int>(threadIdx.x), lane = thread % kWarp;
    part = lane % kLanes;
    leader = lane - part;
    first = thread / kLanes * kRows;
  }
  __device__ static int rows_of_block() {
    return static_cast<int>(blockDim.x) / kWarp * kRowsOfWarp;
  }
};

// The rows of one head of one sample.
template <class T>
struct HeadRows {
  T* at;
  int64_t step;
  int rows, columns;

  __device__ T& of(int row, int column) const { return at[row * step + column]; }
};

// The sample, the head and the block of rows that a thread block works on.
struct HeadPlace {
  int64_t sample;
  int head, block;

  __device__ explicit HeadPlace(const Heads& heads) {
    const unsigned blocks = static_cast<unsigned>(heads.blocks);
    const unsigned of_all = blockIdx.x / blocks, count = static_cast<unsigned>(heads.heads);
    block = static_cast<int>(blockIdx.x % blocks);
    head = static_cast<int>(of_all % count);
    sample = of_all / count;
  }
  template <class T>
  __device__ HeadRows<T> rows_of(const Operand<T>& of) const {
    return {of.at + sample * of.sample_step + static_cast<int64_t>(head) * of.columns, of.row_step,
            of.rows, of.columns};
  }
  // The first row in an array [samples, heads, rows].
  __device__ int64_t first_of(const Heads& heads, int rows) const {
    return (sample * heads.heads + head) * rows;
  }
};

// Element i of a lane's part is element column_of(part, i) of the row. Lanes take packs of 4 in
// turn, so that adjacent lanes read adjacent memory.
template <int kWidth>
__device__ int column_of(int part, int i) {
  return (i / 4 * kLanesOf<kWidth> + part) * 4 + i % 4;
}

template <int kWidth, class T>
__device__ void load_part(const HeadRows<const T>& from, int row, int part, float factor,
                          float (&to)[kPartOf<kWidth>]) {
  unrolled<kPartOf<kWidth>>([&](auto i) {
    const int column = column_of<kWidth>(part, i);
    const bool inside = row < from.rows && column < from.columns;
    to[i] = inside ? static_cast<float>(from.of(row, column)) * factor : 0.0f;
  });
}

template <int kWidth, class T>
__device__ void store_part(const float (&from)[kPartOf<kWidth>], int row, int part, float factor,
                           const HeadRows<T>& to) {
  if (row >= to.rows) return;
  unrolled<kPartOf<kWidth>>([&](auto i) {
    const int column = column_of<kWidth>(part, i);
    if (column < to.columns) to.of(row, column) = static_cast<T>(from[i] * factor);
  });
}

template <int kWidth>
struct alignas(16) Tile {
  float at[kTile][kWidth];
};

// Loads rows [first, first + kTile); all threads of the block must call this.
template <int kWidth, class T>
__device__ void load_tile(const HeadRows<const T>& from, int first, Tile<kWidth>& to) {
  for (int i = static_cast<int>(threadIdx.x); i < kTile * kWidth;
       i += static_cast<int>(blockDim.x)) {
    const int row = i / kWidth, column = i % kWidth;
    const bool inside = first + row < from.rows && column < from.columns;
    to.at[row][column] = inside ? static_cast<float>(from.of(first + row, column)) : 0.0f;
  }
}

// Adds value[k] over all lanes that share a row; lane k gets the sum of value[k].
template <int kLanes>
__device__ float share_sums(float (&value)[kLanes], int part) {
  if constexpr (kLanes == 8) {
    const bool upper = (part & 4) != 0;
    unrolled<4>([&](auto i) {
      const float mine = upper ? value[i + 4] : value[i], other = upper ? value[i] : value[i + 4];
      value[i] = mine + __shfl_xor_sync(0xffffffffu, other, 4);
    });
  }
  const bool second = (part & 2) != 0, odd = (part & 1) != 0;
  unrolled<2>([&](auto i) {
    const float mine = second ? value[i + 2] : value[i], other = second ? value[i] : value[i + 2];
    value[i] = mine + __shfl_xor_sync(0xffffffffu, other, 2);
  });
  const float mine = odd ? value[1] : value[0], other = odd ? value[0] : value[1];
  return mine + __shfl_xor_sync(0xffffffffu, other, 1);
}

// products[r] = dot product of row r and row `first + part` of the tile.
template <int kWidth, int kRows>
__device__ void multiply(const float (&rows)[kRows][kPartOf<kWidth>], const Tile<kWidth>& tile,
                         int first, int part, float (&products)[kRows]) {
  constexpr int kLanes = kLanesOf<kWidth>;
  float sums[kRows][kLanes] = {};
  unrolled<kLanes>([&](auto k) {
    unrolled<kPartOf<kWidth> / 4>([&](auto q) {
      const float* from = tile.at[first + k] + column_of<kWidth>(part, 4 * q);
      const auto other = load_pack<4>(from);
      unrolled<kRows>([&](auto r) {
        unrolled<4>(
            [&](auto i) { sums[r][k] = fmaf(rows[r][4 * q + i], other.at[i], sums[r][k]); });
      });
    });
  });
  unrolled<kRows>([&](auto r) { products[r] = share_sums<kLanes>(sums[r], part); });
}

// sums[r] += sum over the lanes k that share row r of (factors[r] of lane k) * (row first + k of
// the tile).
template <int kWidth, int kRows>
__device__ void add_rows(const float (&factors)[kRows], const Tile<kWidth>& tile, int first,
                         const LanePlace& place, float (&sums)[kRows][kPartOf<kWidth>]) {
  __syncwarp();  // so that the compiler reads rows again and does not keep them in registers
  unrolled<kLanesOf<kWidth>>([&](auto k) {
    float factor[kRows];
    unrolled<kRows>(
        [&](auto r) { factor[r] = __shfl_sync(0xffffffffu, factors[r], place.leader + k); });
    unrolled<kPartOf<kWidth> / 4>([&](auto q) {
      const float* from = tile.at[first + k] + column_of<kWidth>(place.part, 4 * q);
      const auto other = load_pack<4>(from);
      unrolled<kRows>([&](auto r) {
        unrolled<4>(
            [&](auto i) { sums[r][4 * q + i] = fmaf(factor[r], other.at[i], sums[r][4 * q + i]); });
      });
    });
  });
}

}  // namespace d2l::cuda
