#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/softmax_rows.h"
#include "framework/backend/cpu/vector_math.h"

namespace d2l::cpu {
namespace {

[[gnu::always_inline]] inline int32_t chosen(bool first, int32_t a, int32_t b) {
  return first ? a : b;
}

struct LossRows {
  const float* logits;
  const int64_t* labels;
  float *losses, *probabilities, *correct;
  int64_t rows, columns;

  LossRows part(int64_t first, int64_t count) const {
    return {
        logits + first * columns, labels + first, losses + first, probabilities + first * columns,
        correct + first,          count,          columns};
  }
};

D2L_SIMD void cross_entropy_tiles(const LossRows& all) {
  const int64_t columns = all.columns;
  Tile tile, exps;
  TileStatistics statistics;
  for (int64_t row = 0; row < all.rows; row += kTileRows) {
    const int64_t high = std::min(kTileRows, all.rows - row);
    load_tile(all.logits + row * columns, high, columns, tile);
    tile_exp(tile, columns, exps, statistics);
    scale_tile(statistics, columns, exps);
    store_tile(exps, high, columns, all.probabilities + row * columns);

    int32_t first_largest[kTileRows];
    std::fill_n(first_largest, kTileRows, -1);
    for (int32_t j = static_cast<int32_t>(columns) - 1; j >= 0; --j)
      for (int64_t k = 0; k < kTileRows; ++k)
        first_largest[k] = chosen(tile.at[j][k] == statistics.max[k], j, first_largest[k]);
    for (int64_t k = 0; k < kTileRows; ++k) statistics.sum[k] = vector_log(statistics.sum[k]);
    for (int64_t k = 0; k < high; ++k) {
      const int64_t label = all.labels[row + k];
      all.losses[row + k] = statistics.sum[k] - (tile.at[label][k] - statistics.max[k]);
      all.correct[row + k] = first_largest[k] == label ? 1.0f : 0.0f;
    }
  }
}

D2L_SIMD void cross_entropy_rows(const LossRows& all) {
  const int64_t columns = all.columns;
  for (int64_t row = 0; row < all.rows; ++row) {
    const float* x = all.logits + row * columns;
    float* probabilities = all.probabilities + row * columns;
    const int64_t label = all.labels[row];
    const float max = row_max(x, columns);
    const float sum = row_exp<true>(x, columns, max, probabilities);
    const float factor = 1.0f / sum;
    for (int64_t i = 0; i < columns; ++i) probabilities[i] *= factor;
    all.losses[row] = vector_log(sum) - (x[label] - max);
    bool first_largest = x[label] == max;
    for (int64_t i = 0; first_largest && i < label; ++i) first_largest = x[i] != max;
    all.correct[row] = first_largest ? 1.0f : 0.0f;
  }
}

struct LossGradientRows {
  const float* probabilities;
  const int64_t* labels;
  const float* grad_losses;
  float* grad_logits;
  int64_t columns;
};

D2L_SIMD void cross_entropy_backward_rows(const LossGradientRows& all, int64_t begin, int64_t end) {
  const int64_t columns = all.columns;
  for (int64_t row = begin; row < end; ++row) {
    const float* __restrict__ probabilities = all.probabilities + row * columns;
    float* __restrict__ grad_logits = all.grad_logits + row * columns;
    const float factor = all.grad_losses[row];
    for (int64_t i = 0; i < columns; ++i) grad_logits[i] = probabilities[i] * factor;
    const int64_t label = all.labels[row];
    grad_logits[label] = (probabilities[label] - 1.0f) * factor;
  }
}

}  // namespace

void CpuBackend::do_cross_entropy(ConstView logits, ConstView labels, View losses,
                                  View probabilities, View correct) {
  const int64_t rows = logits.shape[0], columns = logits.shape[1];
  const LossRows all{logits.as<float>(),
                     labels.as<int64_t>(),
                     losses.as<float>(),
                     probabilities.as<float>(),
                     correct.as<float>(),
                     rows,
                     columns};
  const bool tiles = columns <= kTileColumns;
  const int64_t per_piece = std::max<int64_t>(1, kGrain / 2 / std::max<int64_t>(1, columns));
  const int64_t whole_tiles = (per_piece + kTileRows - 1) / kTileRows * kTileRows;
  parallel_for(rows, tiles ? whole_tiles : per_piece, [&](int64_t begin, int64_t end) {
    (tiles ? cross_entropy_tiles : cross_entropy_rows)(all.part(begin, end - begin));
  });
}

void CpuBackend::do_cross_entropy_backward(ConstView probabilities, ConstView labels,
                                           ConstView grad_losses, View grad_logits) {
  const int64_t rows = probabilities.shape[0], columns = probabilities.shape[1];
  const LossGradientRows all{probabilities.as<float>(), labels.as<int64_t>(),
                             grad_losses.as<float>(), grad_logits.as<float>(), columns};
  parallel_for(rows, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, columns)),
               [&](int64_t begin, int64_t end) { cross_entropy_backward_rows(all, begin, end); });
}

}  // namespace d2l::cpu
