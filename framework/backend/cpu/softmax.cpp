#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/softmax_rows.h"
#include "framework/backend/cpu/vector_math.h"

// An element of minus infinity gets probability 0. The softmax of a row is undefined if all
// elements are minus infinity, or if one is NaN or plus infinity: the whole row becomes NaN.
namespace d2l::cpu {
namespace {

// The size of a matrix whose rows are reduced.
struct MatrixSize {
  int64_t rows, columns;
};

MatrixSize rows_of(const Shape& shape) {
  const int64_t columns = shape.rank() > 0 ? shape.size(-1) : 1;
  return {columns > 0 ? shape.elements() / columns : 0, columns};
}

// Calls body(first_row, rows) for pieces of whole tiles.
template <class Body>
void for_rows(const MatrixSize& all, const Body& body) {
  const int64_t per_piece = std::max<int64_t>(1, kGrain / 2 / std::max<int64_t>(1, all.columns));
  const int64_t whole_tiles = (per_piece + kTileRows - 1) / kTileRows * kTileRows;
  parallel_for(all.rows, all.columns <= kTileColumns ? whole_tiles : per_piece,
               [&](int64_t begin, int64_t end) { body(begin, end - begin); });
}

D2L_SIMD void softmax_tiles(const MatrixSize& part, const float* x, float* y) {
  const auto [rows, columns] = part;
  Tile tile;
  TileStatistics statistics;
  for (int64_t row = 0; row < rows; row += kTileRows) {
    const int64_t high = std::min(kTileRows, rows - row);
    load_tile(x + row * columns, high, columns, tile);
    tile_exp(tile, columns, tile, statistics);
    scale_tile(statistics, columns, tile);
    store_tile(tile, high, columns, y + row * columns);
  }
}

D2L_SIMD void softmax_rows(const MatrixSize& part, const float* x, float* y) {
  const int64_t columns = part.columns;
  for (int64_t row = 0; row < part.rows; ++row, x += columns, y += columns) {
    const float factor = 1.0f / row_exp<true>(x, columns, row_max(x, columns), y);
    for (int64_t i = 0; i < columns; ++i) y[i] *= factor;
  }
}

D2L_SIMD void log_softmax_tiles(const MatrixSize& part, const float* x, float* y) {
  const auto [rows, columns] = part;
  Tile tile, exps;
  TileStatistics statistics;
  for (int64_t row = 0; row < rows; row += kTileRows) {
    const int64_t high = std::min(kTileRows, rows - row);
    load_tile(x + row * columns, high, columns, tile);
    tile_exp(tile, columns, exps, statistics);
    for (int64_t k = 0; k < kTileRows; ++k) statistics.sum[k] = vector_log(statistics.sum[k]);
    for (int64_t j = 0; j < columns; ++j)
      for (int64_t k = 0; k < kTileRows; ++k)
        tile.at[j][k] = (tile.at[j][k] - statistics.max[k]) - statistics.sum[k];
    store_tile(tile, high, columns, y + row * columns);
  }
}

D2L_SIMD void log_softmax_rows(const MatrixSize& part, const float* x, float* y) {
  const int64_t columns = part.columns;
  for (int64_t row = 0; row < part.rows; ++row, x += columns, y += columns) {
    const float max = row_max(x, columns);
    const float log_sum = vector_log(row_exp<false>(x, columns, max, nullptr));
    for (int64_t i = 0; i < columns; ++i) y[i] = (x[i] - max) - log_sum;
  }
}

struct BackwardRows {
  int64_t rows, columns;
  const float *y, *grad_y;
  float* grad_x;
};

D2L_SIMD void softmax_backward_rows(const BackwardRows& part) {
  const int64_t columns = part.columns;
  for (int64_t row = 0; row < part.rows; ++row) {
    const float* __restrict__ y = part.y + row * columns;
    const float* __restrict__ grad_y = part.grad_y + row * columns;
    float* __restrict__ grad_x = part.grad_x + row * columns;
    const float dot = row_sum(columns, [=](int64_t i) { return y[i] * grad_y[i]; });
    for (int64_t i = 0; i < columns; ++i) grad_x[i] = y[i] * (grad_y[i] - dot);
  }
}

D2L_SIMD void log_softmax_backward_rows(const BackwardRows& part) {
  const int64_t columns = part.columns;
  for (int64_t row = 0; row < part.rows; ++row) {
    const float* __restrict__ y = part.y + row * columns;
    const float* __restrict__ grad_y = part.grad_y + row * columns;
    float* __restrict__ grad_x = part.grad_x + row * columns;
    const float sum = row_sum(columns, [=](int64_t i) { return grad_y[i]; });
    for (int64_t i = 0; i < columns; ++i) grad_x[i] = grad_y[i] - exp_of_difference(y[i]) * sum;
  }
}

}  // namespace

void CpuBackend::do_softmax(SoftmaxForm form, ConstView x, View y) {
  const MatrixSize all = rows_of(x.shape);
  const bool is_narrow = all.columns <= kTileColumns;
  const auto kernel = form == SoftmaxForm::plain
                          ? (is_narrow ? softmax_tiles : softmax_rows)
                          : (is_narrow ? log_softmax_tiles : log_softmax_rows);
  for_rows(all, [&](int64_t first, int64_t rows) {
    const int64_t at = first * all.columns;
    kernel({rows, all.columns}, x.as<float>() + at, y.as<float>() + at);
  });
}

void CpuBackend::do_softmax_backward(SoftmaxForm form, ConstView y, ConstView grad_y, View grad_x) {
  const MatrixSize all = rows_of(y.shape);
  const auto kernel =
      form == SoftmaxForm::plain ? softmax_backward_rows : log_softmax_backward_rows;
  for_rows(all, [&](int64_t first, int64_t rows) {
    const int64_t at = first * all.columns;
    kernel(
        {rows, all.columns, y.as<float>() + at, grad_y.as<float>() + at, grad_x.as<float>() + at});
  });
}

}  // namespace d2l::cpu
