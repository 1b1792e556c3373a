#pragma once

#include "framework/backend/cuda/attention_rows.h"
#include "framework/backend/cuda/block_sum.h"

// The probabilities p are computed again from `kept`. With dp = grad_y values^T, the gradient of
// the scores is p (dp - delta), where delta is the sum of p dp over a row.

namespace d2l::cuda {

constexpr int kGradientRows = 2;  // per thread

template <class T>
struct AttentionInputs {
  Operand<const T> queries, keys, values, grad_y;
  const float* kept;
};

// grad_queries = scale (sum of p dp keys - delta sum of p keys). Computes both sums and delta in
// one pass, and stores delta for the other kernel.
template <class T, int kWidth>
__global__ void __launch_bounds__(kAttentionThreads)
    query_gradient_kernel(Heads heads, AttentionInputs<T> in, Operand<T> grad_queries,
                          float* deltas) {
  constexpr int kRows = kGradientRows, kLanes = kLanesOf<kWidth>;
  __shared__ Tile<kWidth> keys, values;
  const HeadPlace at(heads);
  const AttentionRow<kWidth, kRows> place;
  const int first = at.block * place.rows_of_block() + place.first;
  const HeadRows<const T> queries = at.rows_of(in.queries);
  const int64_t first_kept = at.first_of(heads, queries.rows);
  float rows[kRows][kPartOf<kWidth>], grads[kRows][kPartOf<kWidth>];
  float sums[2 * kRows][kPartOf<kWidth>] = {};  // sum of p dp keys, sum of p keys
  float kept[kRows], scale[kRows], delta[kRows] = {};
  int limits[kRows], most = 0;
  unrolled<kRows>([&](auto r) {
    const int row = first + r;
    const bool inside = row < queries.rows;
    const int limit = inside ? heads.limits.of(at.sample, row) : 1;
    scale[r] = limit == 0 ? 0.0f : heads.scale;
    limits[r] = limit == 0 ? heads.limits.keys : limit;
    most = limits[r] > most ? limits[r] : most;
    kept[r] = inside ? in.kept[first_kept + row] : 0.0f;
    load_part<kWidth>(queries, row, place.part, scale[r], rows[r]);
    load_part<kWidth>(at.rows_of(in.grad_y), row, place.part, 1.0f, grads[r]);
  });
  most = block_all(most, Larger{}, 0);
  for (int tile = 0; tile < most; tile += kTile) {
    __syncthreads();
    load_tile(at.rows_of(in.keys), tile, keys);
    load_tile(at.rows_of(in.values), tile, values);
    __syncthreads();
    for (int k = 0; k < kTile && tile + k < most; k += kLanes) {
      float scores[kRows], products[kRows], factors[2 * kRows];
      multiply<kWidth>(rows, keys, k, place.part, scores);
      multiply<kWidth>(grads, values, k, place.part, products);
      unrolled<kRows>([&](auto r) {
        const bool counts = tile + k + place.part < limits[r];
        const float p = counts ? expf(scores[r] - kept[r]) : 0.0f;
        factors[r] = p * products[r];
        factors[kRows + r] = p;
        delta[r] += factors[r];
      });
      add_rows<kWidth>(factors, keys, k, place, sums);
    }
  }
  unrolled<kRows>([&](auto r) {
    delta[r] = group_all(delta[r], Plus{}, kLanes);
    unrolled<kPartOf<kWidth>>(
        [&](auto i) { sums[r][i] = fmaf(-delta[r], sums[kRows + r][i], sums[r][i]); });
    store_part<kWidth>(sums[r], first + r, place.part, scale[r], at.rows_of(grad_queries));
    if (place.part == 0 && first + r < queries.rows) deltas[first_kept + first + r] = delta[r];
  });
}

// Per-row values of the queries of a tile.
struct QueryNotes {
  float kept[kTile], delta[kTile], factor[kTile];  // factor: 0 if the row is uniform, else 1
  int limit[kTile];

  // All threads of the block must call this.
  __device__ void load(const Heads& heads, const HeadPlace& at, int first, int queries,
                       const float* all_kept, const float* all_deltas) {
    const int i = static_cast<int>(threadIdx.x), query = first + i;
    if (i >= kTile) return;
    const bool inside = query < queries;
    const int64_t from = at.first_of(heads, queries) + query;
    const int seen = inside ? heads.limits.of(at.sample, query) : 0;
    kept[i] = inside ? all_kept[from] : 0.0f;
    delta[i] = inside ? all_deltas[from] : 0.0f;
    factor[i] = seen == 0 ? 0.0f : 1.0f;
    limit[i] = inside && seen == 0 ? heads.limits.keys : seen;
  }
};

// grad_keys = scale sum of p (dp - delta) queries, grad_values = sum of p grad_y.
template <class T, int kWidth>
__global__ void __launch_bounds__(kAttentionThreads)
    key_gradient_kernel(Heads heads, AttentionInputs<T> in, const float* deltas,
                        Operand<T> grad_keys, Operand<T> grad_values) {
  constexpr int kRows = kGradientRows, kLanes = kLanesOf<kWidth>;
  __shared__ Tile<kWidth> queries, grads;
  __shared__ QueryNotes notes;
  const HeadPlace at(heads);
  const AttentionRow<kWidth, kRows> place;
  const int first_of_block = at.block * place.rows_of_block(), first = first_of_block + place.first;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  float keys[kRows][kPartOf<kWidth>], values[kRows][kPartOf<kWidth>];
  float key_sums[kRows][kPartOf<kWidth>] = {}, value_sums[kRows][kPartOf<kWidth>] = {};
  unrolled<kRows>([&](auto r) {
    load_part<kWidth>(at.rows_of(in.keys), first + r, place.part, heads.scale, keys[r]);
    load_part<kWidth>(at.rows_of(in.values), first + r, place.part, 1.0f, values[r]);
  });
  for (int tile = 0; tile < in.queries.rows; tile += kTile) {
    __syncthreads();
    load_tile(at.rows_of(in.queries), tile, queries);
    load_tile(at.rows_of(in.grad_y), tile, grads);
    notes.load(heads, at, tile, in.queries.rows, in.kept, deltas);
    __syncthreads();
    if (warp_all(notes.limit[lane], Larger{}) <= first_of_block) continue;
    for (int k = 0; k < kTile && tile + k < in.queries.rows; k += kLanes) {
      float scores[kRows], products[kRows], p[kRows];
      multiply<kWidth>(keys, queries, k, place.part, scores);
      multiply<kWidth>(values, grads, k, place.part, products);
      const int query = k + place.part;
      unrolled<kRows>([&](auto r) {
        const bool counts = first + r < notes.limit[query];
        p[r] = counts ? expf(scores[r] * notes.factor[query] - notes.kept[query]) : 0.0f;
        scores[r] = p[r] * (products[r] - notes.delta[query]) * notes.factor[query];
      });
      add_rows<kWidth>(p, grads, k, place, value_sums);
      add_rows<kWidth>(scores, queries, k, place, key_sums);
    }
  }
  unrolled<kRows>([&](auto r) {
    store_part<kWidth>(key_sums[r], first + r, place.part, heads.scale, at.rows_of(grad_keys));
    store_part<kWidth>(value_sums[r], first + r, place.part, 1.0f, at.rows_of(grad_values));
  });
}

}  // namespace d2l::cuda
