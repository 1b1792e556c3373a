#include <utility>

#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/convolution/winograd/image_tiles.h"
#include "framework/backend/cpu/convolution/winograd/panels.h"
#include "framework/backend/cpu/convolution/winograd/weights.h"
#include "framework/backend/cpu/convolution/winograd/winograd.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"

// Forward, and the gradient of the input, which is the same computation with reversed weights.

namespace d2l::cpu {
namespace winograd {
namespace {

// One convolution: input -> tiles -> products with transformed weights -> output.
template <class T>
struct WinogradConvolution {
  TileSource<T> in;
  Image<T> out;
  WeightPanels weights;
  const float* bias;  // or null
  bool relu;
};

// Output channels [begin, end) of tiles [first, first + count).
struct Window {
  int64_t first, count, begin, end;
};

template <class T, class S>
D2L_SIMD void write_rows(S, const WinogradConvolution<T>& conv, const Window& window,
                         const Matrices& m, const float* products) {
  for (int64_t t = 0; t < window.count; ++t, products += m.row) {
    const Tiling::TilePosition at = conv.weights.tiling.position(window.first + t);
    T* pixels[S::kResults * S::kResults];
    conv.out.template find_pixels<S::kResults>(at.image, at.y, at.x, nullptr, pixels);
    for (int64_t o = window.begin; o < window.end; o += kLanes) {
      Lanes16 bias{};
      if (conv.bias != nullptr) load(bias, conv.bias + o);
      transform_tile<S::kSide, S::kResults, transform_output<S>>(
          [&](int p, Lanes16& value)
              D2L_INLINE { load(value, products + p * m.step + o - window.begin); },
          [&](int i, const Lanes16& result) D2L_INLINE {
            if (pixels[i] == nullptr) return;
            Lanes16 value = result + bias;
            if (conv.relu) relu(value);
            store(value, pixels[i] + o);
          });
    }
  }
}

template <class T>
void write_tiles(const WinogradConvolution<T>& conv, const Window& window, const Matrices& m,
                 const float* products) {
  visit_scheme(conv.weights.tiling,
               [&](auto scheme) { write_rows(scheme, conv, window, m, products); });
}

// Multiplies `tiles` rows of all points' matrices by one panel of weights. Meanwhile prefetches the
// weights of panel `next`, if there is one.
D2L_SIMD void multiply(const WeightPanels& weights, int64_t panel, const float* packed,
                       int64_t next, int64_t tiles, const Matrices& in, const float* rows,
                       const Matrices& out, float* products) {
  PanelOperands p{.a = rows,
                  .a_step = in.row,
                  .b = packed,
                  .b_step = weights.width(panel),
                  .out = products,
                  .out_step = out.row,
                  .next_a = rows + in.step,
                  .next_b = packed + weights.step(panel)};
  for (int point = 0; point < weights.tiling.points(); ++point) {
    if (next < weights.panels) weights.fetch(next, point);
    multiply_panel<PanelA::plain>(p, weights.width(panel), tiles, weights.depth, false);
    p.a = std::exchange(p.next_a, p.next_a + in.step);
    p.b = std::exchange(p.next_b, p.next_b + weights.step(panel));
    p.out += out.step;
  }
}

constexpr int64_t kRows = 14;                                      // per block of products
constexpr int64_t kFew = 4 * kRows;                                // rows per panel at a time
constexpr int64_t kOwnCache = 3 << 17, kTilesOfABlock = 16 << 20;  // bytes

int64_t rounded(int64_t tiles) { return (tiles + kRows - 1) / kRows * kRows; }

// For weights that fit into a core's own cache: each thread takes a few tiles through all three
// steps.
template <class T>
void run_tile_by_tile(const WinogradConvolution<T>& conv, MemoryPool& pool) {
  const WeightPanels& weights = conv.weights;
  const int64_t points = conv.weights.tiling.points();
  const int64_t tile_bytes =
      points * 4 * (Matrices::row_of(weights.depth) + Matrices::row_of(weights.columns));
  const int64_t block = std::clamp(kOwnCache / tile_bytes / kRows, int64_t{1}, int64_t{8}) * kRows;
  Scratch<float> packed(pool, weights.panels * weights.size());
  PerThread<float> square(pool, square_size(weights.tiling));
  const int64_t parts = weights.depth / kLanes;
  parallel_for(weights.panels * parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      weights.pack(i / parts, i % parts * kLanes, (i % parts + 1) * kLanes, square.mine(),
                   packed.data() + i / parts * weights.size());
  });
  const Matrices in(points, block, weights.depth), out(points, block, weights.columns);
  PerThread<float> memory(pool, in.size + out.size);
  parallel_for(conv.weights.tiling.count, block, [&](int64_t begin, int64_t end) {
    float* rows = memory.mine();
    float* products = rows + in.size;
    read_tiles(conv.in, conv.weights.tiling, begin, end - begin, in, rows);
    for (int64_t i = 0; i < weights.panels; ++i)
      multiply(weights, i, packed.data() + i * weights.size(), weights.panels, end - begin, in,
               rows, out, products + i * WeightPanels::kWide);
    write_tiles(conv, {begin, end - begin, 0, weights.columns}, out, products);
  });
}

// For larger weights: each thread transforms one panel and multiplies it with all tiles, up to the
// results. So transformed weights never leave the cache.
template <class T>
void run_panel_by_panel(const WinogradConvolution<T>& conv, MemoryPool& pool) {
  const WeightPanels& weights = conv.weights;
  const Tiling& tiling = conv.weights.tiling;
  const int64_t most =
      std::max(kTilesOfABlock / (tiling.points() * 4 * Matrices::row_of(weights.depth)), kFew);
  const int64_t blocks = (tiling.count + most - 1) / most;
  const int64_t block = rounded((tiling.count + blocks - 1) / blocks);
  // If there are few panels per thread, several threads use the same panel for different tiles.
  const int64_t parts =
      std::clamp<int64_t>(2 * team_size() / weights.panels, 1, (block + kFew - 1) / kFew);
  const int64_t part = rounded((block + parts - 1) / parts);
  const Matrices in(tiling.points(), block, weights.depth);
  const Matrices out(tiling.points(), kFew, WeightPanels::kWide);
  Scratch<float> rows(pool, in.size);
  PerThread<float> memory(pool, square_size(weights.tiling) + weights.size() + out.size);
  for (int64_t first = 0; first < tiling.count; first += block) {
    const int64_t count = std::min(block, tiling.count - first);
    parallel_for(count, 4, [&](int64_t begin, int64_t end) {
      read_tiles(conv.in, tiling, first + begin, end - begin, in, rows.data() + begin * in.row);
    });
    parallel_for(weights.panels * parts, 1, [&](int64_t item, int64_t) {
      const int64_t panel = item / parts, column = panel * WeightPanels::kWide;
      const int64_t begin = item % parts * part, end = std::min(count, begin + part);
      if (begin >= end) return;
      float* packed = memory.mine() + square_size(weights.tiling);
      float* products = packed + weights.size();
      weights.pack(panel, 0, weights.depth, memory.mine(), packed);
      for (int64_t t = begin; t < end; t += kFew) {
        const int64_t tiles = std::min(kFew, end - t);
        const int64_t next = t + kFew < end ? weights.panels : panel + 1;
        multiply(weights, panel, packed, next, tiles, in, rows.data() + t * in.row, out, products);
        write_tiles(conv, {first + t, tiles, column, column + weights.width(panel)}, out, products);
      }
    });
  }
}

template <class T>
void run(const WinogradConvolution<T>& conv, MemoryPool& pool) {
  if (conv.weights.panels * conv.weights.size() * 4 <= 8 * kOwnCache)
    run_tile_by_tile(conv, pool);
  else
    run_panel_by_panel(conv, pool);
}

// `size` is the size of the results, which are split into tiles.
bool suits(const ConvolutionShape& s, Extent size) {
  const bool kernel =
      s.kernel_height == s.kernel_width && (s.kernel_height == 3 || s.kernel_height == 5);
  const Extent most{s.kernel_height - 1, s.kernel_width - 1};
  const bool possible = has_wide_vectors() && kernel && s.unit_stride() && s.in % kLanes == 0 &&
                        s.out % kLanes == 0 && s.params.padding.height <= most.height &&
                        s.params.padding.width <= most.width &&
                        s.params.activation != Activation::sigmoid &&
                        s.params.activation != Activation::tanh;
  if (!possible) return false;
  const int64_t fewest = std::min(s.in, s.out);
  if (s.dtype == DType::f32 || bf16_products() == Bf16Products::f32) return true;
  if (bf16_products() == Bf16Products::tiles || fewest < (s.kernel_height == 5 ? 2 : 3) * kLanes)
    return false;
  // Images of one small tile are faster with the kernels for pairs. Tiles that extend beyond the
  // image waste work.
  const Tiling tiling(1, size, s.kernel_height);
  return tiling.tile > 5 &&
         4 * size.height * size.width >= 3 * tiling.count * tiling.side * tiling.side;
}

Extent size_of_x(const ConvolutionShape& s) { return {s.height, s.width}; }
Extent size_of_y(const ConvolutionShape& s) { return {s.out_height, s.out_width}; }

template <class T>
void forward_images(const ConvolutionShape& s, MemoryPool& pool, const T* x, const float* weight,
                    const float* bias, T* y) {
  const Extent size = size_of_y(s);
  const Tiling tiling(s.images, size, s.kernel_height);
  Scratch<T> zeros(pool, s.in);
  std::fill_n(zeros.data(), s.in, T{});
  run(WinogradConvolution<T>{.in = {{x, {s.height, s.width}, s.in}, s.params.padding, zeros.data()},
                             .out = {y, size, s.out},
                             .weights = {s, tiling, WeightUse::forward, weight},
                             .bias = bias,
                             .relu = s.params.activation == Activation::relu},
      pool);
}

template <class T>
void gather_gradients(const ConvolutionShape& s, MemoryPool& pool, const T* grad_y,
                      const float* weight, T* grad_x) {
  const Extent size = size_of_x(s);
  const Tiling tiling(s.images, size, s.kernel_height);
  Scratch<T> zeros(pool, s.out);
  std::fill_n(zeros.data(), s.out, T{});
  run(WinogradConvolution<T>{.in = {{grad_y, {s.out_height, s.out_width}, s.out},
                                    {s.kernel_height - 1 - s.params.padding.height,
                                     s.kernel_width - 1 - s.params.padding.width},
                                    zeros.data()},
                             .out = {grad_x, size, s.in},
                             .weights = {s, tiling, WeightUse::backward_input, weight},
                             .bias = nullptr,
                             .relu = false},
      pool);
}

}  // namespace
}  // namespace winograd

bool winograd_forward_suits(const ConvolutionShape& s) {
  return winograd::suits(s, winograd::size_of_y(s));
}
bool winograd_backward_input_suits(const ConvolutionShape& s) {
  return winograd::suits(s, winograd::size_of_x(s));
}
bool winograd_backward_weight_suits(const ConvolutionShape& s) {
  return winograd::suits(s, winograd::size_of_y(s));
}

void winograd_forward(const ConvolutionContext& on, const ConvolutionShape& s,
                      const ForwardOperands& operands) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    winograd::forward_images(s, on.pool(), operands.x.as<T>(), operands.weight.as<float>(),
                             operands.bias.as<float>(), operands.y.as<T>());
  });
}

void winograd_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                             const InputGradientOperands& operands) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    winograd::gather_gradients(s, on.pool(), operands.grad_y.as<T>(), operands.weight.as<float>(),
                               operands.grad_x.as<T>());
  });
}

}  // namespace d2l::cpu
