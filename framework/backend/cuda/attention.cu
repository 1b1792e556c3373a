#include <cmath>

#include "framework/backend/cuda/attention_gradient.h"
#include "framework/backend/cuda/attention_rows.h"
#include "framework/backend/cuda/block_sum.h"
#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/scratch.h"

// Scores are never stored: the softmax is computed along with the keys, a few at a time (online
// softmax; Dao et al., "FlashAttention", 2022). `kept` is the logarithm of the sum of e^score of
// each row.

namespace d2l::cuda {
namespace {

constexpr int kRows = 4;  // per thread
constexpr int kWidest = 128;

template <class T>
struct ForwardInputs {
  Operand<const T> queries, keys, values;
};

template <class T, int kWidth>
__global__ void __launch_bounds__(kAttentionThreads)
    attention_kernel(Heads heads, ForwardInputs<T> in, float* kept, Operand<T> y) {
  constexpr int kLanes = kLanesOf<kWidth>, kPart = kPartOf<kWidth>;
  __shared__ Tile<kWidth> keys, values;
  const HeadPlace at(heads);
  const AttentionRow<kWidth, kRows> place;
  const int first = at.block * place.rows_of_block() + place.first;
  const HeadRows<const T> queries = at.rows_of(in.queries);
  float rows[kRows][kPart];
  float max[kRows], total[kRows], sums[kRows][kPart] = {};
  int limits[kRows], most = 0;
  unrolled<kRows>([&](auto r) {
    const int row = first + r;
    const int limit = row < queries.rows ? heads.limits.of(at.sample, row) : 1;
    limits[r] = limit == 0 ? heads.limits.keys : limit;
    most = limits[r] > most ? limits[r] : most;
    load_part<kWidth>(queries, row, place.part, limit == 0 ? 0.0f : heads.scale, rows[r]);
    max[r] = -INFINITY;
    total[r] = 0;
  });
  most = block_all(most, Larger{}, 0);
  for (int tile = 0; tile < most; tile += kTile) {
    __syncthreads();
    load_tile(at.rows_of(in.keys), tile, keys);
    load_tile(at.rows_of(in.values), tile, values);
    __syncthreads();
    for (int k = 0; k < kTile && tile + k < most; k += kLanes) {
      float scores[kRows];
      multiply<kWidth>(rows, keys, k, place.part, scores);
      unrolled<kRows>([&](auto r) {
        const float score = tile + k + place.part < limits[r] ? scores[r] : -INFINITY;
        const float larger = group_all(score, Larger{}, kLanes);
        if (larger > max[r]) {
          const float shrink = expf(max[r] - larger);
          max[r] = larger;
          total[r] *= shrink;
          unrolled<kPart>([&](auto i) { sums[r][i] *= shrink; });
        }
        scores[r] = expf(score - max[r]);
        total[r] += scores[r];
      });
      add_rows<kWidth>(scores, values, k, place, sums);
    }
  }
  const int64_t first_kept = at.first_of(heads, queries.rows) + first;
  unrolled<kRows>([&](auto r) {
    total[r] = group_all(total[r], Plus{}, kLanes);
    store_part<kWidth>(sums[r], first + r, place.part, 1.0f / total[r], at.rows_of(y));
    if (place.part == 0 && first + r < queries.rows) kept[first_kept + r] = max[r] + logf(total[r]);
  });
}

template <class T, class AnyView>
Operand<T> operand_of(const AnyView& view, int64_t heads) {
  return {static_cast<T*>(view.data), view.strides[0], view.strides[1],
          static_cast<int>(view.shape[1]), static_cast<int>(view.shape[2] / heads)};
}

struct Launch {
  Heads heads;
  dim3 grid;
  int threads;
};

// The launch of a kernel whose warps take rows_of_warp rows of a head each. Blocks have fewer warps
// if this keeps more multiprocessors busy.
Launch launch_for(const Queue& queue, const AttentionParams& params,
                  const Backend::AttentionOperands& in, int64_t rows, int64_t rows_of_warp) {
  const int64_t samples = in.queries.shape[0], queries = in.queries.shape[1];
  const double width = static_cast<double>(in.queries.shape[2]) / static_cast<double>(params.heads);
  int64_t warps = kAttentionThreads / kWarp;
  const auto blocks = [&] { return ceil_div(rows, rows_of_warp * warps); };
  while (warps > 1 && (rows <= rows_of_warp * warps / 2 ||
                       blocks() * samples * params.heads < 2 * queue.multiprocessors))
    warps /= 2;
  const bool each = in.lengths.shape.rank() == 2;
  const Limits limits{in.lengths.as<int64_t>(), each ? queries : 1, each ? 1 : 0,
                      static_cast<int>(in.keys.shape[1])};
  return {{static_cast<int>(params.heads), static_cast<int>(blocks()),
           static_cast<float>(1.0 / std::sqrt(width)), limits},
          static_cast<unsigned>(blocks() * samples * params.heads),
          static_cast<int>(warps) * kWarp};
}

// The length of a head's longest row.
int64_t width_of(const AttentionParams& params, const Backend::AttentionOperands& in) {
  return std::max(in.queries.shape[2], in.values.shape[2]) / params.heads;
}

// Calls visitor(T{}, kWidth) for rows of at most kWidest elements.
template <class Visitor>
void visit_heads(DType dtype, int64_t width, Visitor&& visitor) {
  visit_float(dtype, [&](auto zero) {
    if (width <= 16) return visitor(zero, std::integral_constant<int, 16>{});
    if (width <= 32) return visitor(zero, std::integral_constant<int, 32>{});
    if (width <= 64) return visitor(zero, std::integral_constant<int, 64>{});
    visitor(zero, std::integral_constant<int, kWidest>{});
  });
}

}  // namespace

void CudaBackend::do_attention(const AttentionParams& params, const AttentionOperands& in,
                               View kept, View y) {
  if (y.elements() == 0) return;
  if (width_of(params, in) > kWidest) return Backend::do_attention(params, in, kept, y);
  visit_heads(y.dtype, width_of(params, in), [&](auto zero, auto width) {
    using T = decltype(zero);
    constexpr int kWidth = decltype(width)::value;
    const ForwardInputs<T> inputs{operand_of<const T>(in.queries, params.heads),
                                  operand_of<const T>(in.keys, params.heads),
                                  operand_of<const T>(in.values, params.heads)};
    const Launch at = launch_for(queue_, params, in, in.queries.shape[1],
                                 AttentionRow<kWidth, kRows>::kRowsOfWarp);
    launch(queue_, at.grid, at.threads, attention_kernel<T, kWidth>, at.heads, inputs,
           kept.as<float>(), operand_of<T>(strided(y), params.heads));
  });
}

void CudaBackend::do_attention_backward(const AttentionParams& params, const AttentionOperands& in,
                                        ConstView kept, ConstView grad_y,
                                        const AttentionGradients& gradients) {
  if (grad_y.elements() == 0) return;
  if (width_of(params, in) > kWidest)
    return Backend::do_attention_backward(params, in, kept, grad_y, gradients);
  const Scratch<float> deltas(pool_, kept.elements());
  visit_heads(grad_y.dtype, width_of(params, in), [&](auto zero, auto width) {
    using T = decltype(zero);
    constexpr int kWidth = decltype(width)::value;
    constexpr int kRowsOfWarp = AttentionRow<kWidth, kGradientRows>::kRowsOfWarp;
    const int64_t heads = params.heads;
    const AttentionInputs<T> inputs{operand_of<const T>(in.queries, heads),
                                    operand_of<const T>(in.keys, heads),
                                    operand_of<const T>(in.values, heads),
                                    operand_of<const T>(strided(grad_y), heads), kept.as<float>()};
    Launch at = launch_for(queue_, params, in, in.queries.shape[1], kRowsOfWarp);
    launch(queue_, at.grid, at.threads, query_gradient_kernel<T, kWidth>, at.heads, inputs,
           operand_of<T>(gradients.queries, heads), deltas.data());
    at = launch_for(queue_, params, in, in.keys.shape[1], kRowsOfWarp);
    launch(queue_, at.grid, at.threads, key_gradient_kernel<T, kWidth>, at.heads, inputs,
           deltas.data(), operand_of<T>(gradients.keys, heads),
           operand_of<T>(gradients.values, heads));
  });
}

}  // namespace d2l::cuda
