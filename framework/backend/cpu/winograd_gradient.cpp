#include <span>

#include "framework/backend/cpu/panels.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/winograd.h"
#include "framework/backend/cpu/winograd_tiles.h"
#include "framework/backend/cpu/winograd_weights.h"

// The gradient of the weights: products of the tiles of x and of grad_y, point by point, summed
// over blocks of tiles in their order.

namespace d2l::cpu {
namespace winograd {
namespace {

template <class T, class S>
D2L_SIMD void read_gradients(S, const TileSource<T>& grad_y, const Tiling& tiling, int64_t first,
                             const Matrices& m, std::span<float> rows) {
  constexpr int kPixels = S::kResults * S::kResults;
  for (float* row = rows.data(); row < rows.data() + rows.size(); ++first, row += m.row) {
    const Tiling::Place at = tiling.place(first);
    const T* pixels[kPixels];
    for (int i = 0; i < kPixels; ++i)
      pixels[i] = grad_y.image.pixel(at.image, at.y + i / S::kResults, at.x + i % S::kResults,
                                     grad_y.zeros);
    for (int64_t o = 0; o < grad_y.image.channels; o += kLanes)
      transform_tile<S::kResults, S::kSide, transform_gradient<S>>(
          [&](int i, Lanes16& value) D2L_INLINE { load(value, pixels[i] + o); },
          [&](int p, const Lanes16& value) D2L_INLINE { store(value, row + p * m.step + o); });
  }
}

// One panel of one point's sums [c, o].
D2L_SIMD void add_products(const PanelOperands& p, int64_t columns, int64_t channels, int64_t tiles,
                           bool add) {
  if (columns == 32)
    multiply_rows<PanelA::transposed, 2>(p, channels, tiles, add);
  else
    multiply_rows<PanelA::transposed, 1>(p, channels, tiles, add);
}

// grad_bias: the transform's value for the points (1, 1) is the sum of the tile.
D2L_SIMD void add_bias(const float* rows, int64_t row, int64_t tiles, int64_t channels,
                       float* bias) {
  for (int64_t o = 0; o < channels; o += kLanes) {
    Lanes16 sum{}, before;
    for (int64_t t = 0; t < tiles; ++t) {
      Lanes16 value;
      load(value, rows + t * row + o);
      sum += value;
    }
    load(before, bias + o);
    store(Lanes16(before + sum), bias + o);
  }
}

constexpr int64_t kSharedCache = 8 << 20;  // bytes

}  // namespace
}  // namespace winograd

using namespace winograd;

template <class T>
void winograd_backward_weight(const DirectConvolution& s, MemoryPool& pool, const T* x,
                              const T* grad_y, float* grad_weight, float* grad_bias) {
  Scratch<T> zeros(pool, std::max(s.in, s.out));
  std::fill_n(zeros.data(), std::max(s.in, s.out), T{});
  const Extent size{s.out_height, s.out_width};
  const TileSource<T> from_x{{x, {s.height, s.width}, s.in}, s.params.padding, zeros.data()};
  const TileSource<T> from_y{{grad_y, size, s.out}, {}, zeros.data()};
  const Tiling tiling(s.images, size, s.kernel_height);
  const int64_t points = tiling.points();
  const int64_t tile_bytes = points * 4 * (s.in + s.out + 2 * kLanes);
  const int64_t most = std::clamp<int64_t>(kSharedCache / tile_bytes, 112, 448);
  const int64_t block = std::min(most, tiling.count);
  const Matrices of_x(points, block, s.in), of_y(points, block, s.out);
  const int64_t step = s.in * s.out + kLanes, panels = (s.out + 31) / 32;
  Scratch<float> memory(pool, of_x.size + of_y.size), sums(pool, points * step);
  float* rows = memory.data();
  float* gradient_rows = memory.data() + of_x.size;
  if (grad_bias != nullptr) std::fill_n(grad_bias, s.out, 0.0f);
  for (int64_t first = 0; first < tiling.count; first += block) {
    const int64_t count = std::min(block, tiling.count - first);
    parallel_for(count, 4, [&](int64_t begin, int64_t end) {
      read_tiles(from_x, tiling, first + begin, end - begin, of_x, rows + begin * of_x.row);
      const std::span<float> mine(gradient_rows + begin * of_y.row,
                                  static_cast<size_t>((end - begin) * of_y.row));
      visit_scheme(tiling, [&](auto scheme) {
        read_gradients(scheme, from_y, tiling, first + begin, of_y, mine);
      });
    });
    parallel_for(points * panels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t item = begin; item < end; ++item) {
        const int64_t point = item / panels, column = item % panels * 32;
        add_products({.a = rows + point * of_x.step,
                      .a_step = of_x.row,
                      .b = gradient_rows + point * of_y.step + column,
                      .b_step = of_y.row,
                      .out = sums.data() + point * step + column,
                      .out_step = s.out},
                     std::min<int64_t>(32, s.out - column), s.in, count, first > 0);
      }
    });
    if (grad_bias != nullptr)
      add_bias(gradient_rows + (tiling.tile + 1) * of_y.step, of_y.row, count, s.out, grad_bias);
  }
  unpack_gradients(s, tiling, pool, sums.data(), step, grad_weight);
}

template void winograd_backward_weight(const DirectConvolution&, MemoryPool&, const float*,
                                       const float*, float*, float*);
template void winograd_backward_weight(const DirectConvolution&, MemoryPool&, const Bfloat16*,
                                       const Bfloat16*, float*, float*);

}  // namespace d2l::cpu
