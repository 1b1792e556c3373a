#include <span>

#include "framework/backend/cpu/convolution/image_sums.h"
#include "framework/backend/cpu/convolution/winograd/image_tiles.h"
#include "framework/backend/cpu/convolution/winograd/panels.h"
#include "framework/backend/cpu/convolution/winograd/weights.h"
#include "framework/backend/cpu/convolution/winograd/winograd.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"

// The gradient of the weights: for each point of the transform, products of the tiles of x and
// grad_y, summed over blocks of tiles in order.

namespace d2l::cpu {
namespace winograd {
namespace {

template <class T, class S>
D2L_SIMD void read_gradients(S, const TileSource<T>& grad_y, const Tiling& tiling, int64_t first,
                             const Matrices& m, std::span<float> rows) {
  for (float* row = rows.data(); row < rows.data() + rows.size(); ++first, row += m.row) {
    const Tiling::TilePosition at = tiling.position(first);
    const T* pixels[S::kResults * S::kResults];
    grad_y.image.template find_pixels<S::kResults>(at.image, at.y, at.x, grad_y.zeros, pixels);
    for (int64_t o = 0; o < grad_y.image.channels; o += kLanes)
      transform_tile<S::kResults, S::kSide, transform_gradient<S>>(
          [&](int i, Lanes16& value) D2L_INLINE { load(value, pixels[i] + o); },
          [&](int p, const Lanes16& value) D2L_INLINE { store(value, row + p * m.step + o); });
  }
}

constexpr int64_t kTilesOfABlock = 4 << 20;     // bytes
constexpr int64_t kFewest = 112;                // tiles per block
constexpr int64_t kWidth = 32, kChannels = 64;  // per block of sums

// A few tiles of x and of grad_y.
struct Factors {
  Matrices x, y;
  float* x_rows;
  float* y_rows;

  const float* x_at(int64_t point, const GradientBlock& block) const {
    return x_rows + point * x.step + block.c;
  }
  const float* y_at(int64_t point, const GradientBlock& block) const {
    return y_rows + point * y.step + block.o;
  }
};

// Transforms tiles [first, first + count) into rows, starting at row `row`.
template <class T>
void read_factors(const TileSource<T>& x, const TileSource<T>& y, const Tiling& tiling,
                  int64_t first, int64_t count, const Factors& to, int64_t row) {
  read_tiles(x, tiling, first, count, to.x, to.x_rows + row * to.x.row);
  const std::span<float> rows(to.y_rows + row * to.y.row, static_cast<size_t>(count * to.y.row));
  visit_scheme(tiling, [&](auto scheme) { read_gradients(scheme, y, tiling, first, to.y, rows); });
}

// Sums are computed in blocks of 64 input by 32 output channels of one point.
struct Item {
  int64_t point;
  GradientBlock block;
};
D2L_SIMD void add_products(const Factors& of, const Item& item, const Item& next, int64_t tiles,
                           bool add, float* sums) {
  const GradientBlock& block = item.block;
  const PanelOperands p{.a = of.x_at(item.point, block),
                        .a_step = of.x.row,
                        .b = of.y_at(item.point, block),
                        .b_step = of.y.row,
                        .out = sums + item.point * block.step(),
                        .out_step = block.width,
                        .next_a = of.x_at(next.point, next.block),
                        .next_b = of.y_at(next.point, next.block)};
  multiply_panel<PanelA::transposed>(p, block.width, block.count, tiles, add);
}

// grad_bias: the transformed value at point (1, 1) is the sum of the tile.
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

constexpr int64_t kSlices = 16, kSliceTiles = 28;

// For few channels: the sums fit into a core's own cache together with some tiles, and each thread
// takes its tiles through all steps. The images are split into slices; their sums are added in
// order.
template <class T>
void sum_slices(const ConvolutionShape& s, const Tiling& tiling, const TileSource<T>& x,
                const TileSource<T>& y, MemoryPool& pool, float* grad_weight, float* grad_bias) {
  const int64_t points = tiling.points();
  const GradientBlock all{0, s.in, 0, s.out};
  const int64_t weights = points * all.step(), size = weights + s.out;
  const int64_t tiles = (tiling.count + kSlices - 1) / kSlices;
  const int64_t slices = (tiling.count + tiles - 1) / tiles;
  const Matrices of_x(points, kSliceTiles, s.in), of_y(points, kSliceTiles, s.out);
  PerThread<float> memory(pool, of_x.size + of_y.size);
  Scratch<float> sums(pool, slices * size);
  parallel_for(slices, 1, [&](int64_t slice, int64_t) {
    const Factors of{of_x, of_y, memory.mine(), memory.mine() + of_x.size};
    float* mine = sums.data() + slice * size;
    std::fill_n(mine + weights, s.out, 0.0f);
    const int64_t begin = slice * tiles, end = std::min(tiling.count, begin + tiles);
    for (int64_t first = begin; first < end; first += kSliceTiles) {
      const int64_t count = std::min(kSliceTiles, end - first);
      read_factors(x, y, tiling, first, count, of, 0);
      for (int64_t point = 0; point < points; ++point)
        add_products(of, {point, all}, {point + 1, all}, count, first > begin, mine);
      add_bias(of.y_rows + (tiling.tile + 1) * of_y.step, of_y.row, count, s.out, mine + weights);
    }
  });
  parallel_for(size, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t slice = 1; slice < slices; ++slice)
      add(sums.data() + slice * size + begin, end - begin, sums.data() + begin);
  });
  Scratch<float> square(pool, square_size(tiling));
  unpack_gradients(s, tiling, all, sums.data(), square.data(), grad_weight);
  if (grad_bias != nullptr) std::copy_n(sums.data() + weights, s.out, grad_bias);
}

// For more channels: all threads work on the same tiles, each on a part of the sums.
template <class T>
void sum_blocks(const ConvolutionShape& s, const Tiling& tiling, const TileSource<T>& x,
                const TileSource<T>& y, MemoryPool& pool, float* grad_weight, float* grad_bias) {
  const int64_t points = tiling.points();
  const int64_t tile_bytes = points * 4 * (Matrices::row_of(s.in) + Matrices::row_of(s.out));
  const int64_t block = std::min(std::max(kTilesOfABlock / tile_bytes, kFewest), tiling.count);
  Factors of{{points, block, s.in}, {points, block, s.out}, nullptr, nullptr};
  Scratch<float> memory(pool, of.x.size + of.y.size);
  of.x_rows = memory.data();
  of.y_rows = of.x_rows + of.x.size;

  const int64_t high = (s.in + kChannels - 1) / kChannels;
  const int64_t blocks = high * ((s.out + kWidth - 1) / kWidth);
  auto block_of = [&](int64_t number) {
    const int64_t o = number / high * kWidth, c = number % high * kChannels;
    return GradientBlock{c, std::min(kChannels, s.in - c), o, std::min(kWidth, s.out - o)};
  };
  // If one block has all tiles, sums become gradients while they are in the cache; otherwise they
  // are stored.
  const bool at_once = block == tiling.count;
  const int64_t sums_size = points * GradientBlock{0, kChannels, 0, kWidth}.step();
  const int64_t square = square_size(tiling);
  PerThread<float> mine(pool, square + (at_once ? sums_size : 0));
  Scratch<float> kept(pool, at_once ? 0 : blocks * sums_size);
  if (grad_bias != nullptr) std::fill_n(grad_bias, s.out, 0.0f);
  for (int64_t first = 0; first < tiling.count; first += block) {
    const int64_t count = std::min(block, tiling.count - first);
    parallel_for(count, 4, [&](int64_t begin, int64_t end) {
      read_factors(x, y, tiling, first + begin, end - begin, of, begin);
    });
    if (at_once)
      parallel_for(blocks, 1, [&](int64_t number, int64_t) {
        const GradientBlock at = block_of(number);
        float* sums = mine.mine() + square;
        for (int64_t point = 0; point < points; ++point)
          add_products(of, {point, at}, {point + 1, at}, count, false, sums);
        unpack_gradients(s, tiling, at, sums, mine.mine(), grad_weight);
      });
    else
      parallel_for(points * blocks, 1, [&](int64_t i, int64_t) {
        const Item item{i / blocks, block_of(i % blocks)};
        const Item next{(i + 1) / blocks, block_of((i + 1) % blocks)};
        add_products(of, item, next, count, first > 0, kept.data() + i % blocks * sums_size);
      });
    if (grad_bias != nullptr)
      add_bias(of.y_rows + (tiling.tile + 1) * of.y.step, of.y.row, count, s.out, grad_bias);
  }
  if (!at_once)
    parallel_for(blocks, 1, [&](int64_t i, int64_t) {
      unpack_gradients(s, tiling, block_of(i), kept.data() + i * sums_size, mine.mine(),
                       grad_weight);
    });
}

template <class T>
void sum_gradients(const ConvolutionShape& s, MemoryPool& pool, const T* x, const T* grad_y,
                   float* grad_weight, float* grad_bias) {
  Scratch<T> zeros(pool, std::max(s.in, s.out));
  std::fill_n(zeros.data(), std::max(s.in, s.out), T{});
  const Extent size{s.out_height, s.out_width};
  const TileSource<T> from_x{{x, {s.height, s.width}, s.in}, s.params.padding, zeros.data()};
  const TileSource<T> from_y{{grad_y, size, s.out}, {}, zeros.data()};
  const Tiling tiling(s.images, size, s.kernel_height);
  if (s.in <= kChannels && s.out <= kWidth)
    sum_slices(s, tiling, from_x, from_y, pool, grad_weight, grad_bias);
  else
    sum_blocks(s, tiling, from_x, from_y, pool, grad_weight, grad_bias);
}

}  // namespace
}  // namespace winograd

void winograd_backward_weight(const ConvolutionContext& on, const ConvolutionShape& s,
                              const WeightGradientOperands& operands) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    winograd::sum_gradients(s, on.pool(), operands.x.as<T>(), operands.grad_y.as<T>(),
                            operands.grad_weight.as<float>(), operands.grad_bias.as<float>());
  });
}

}  // namespace d2l::cpu
