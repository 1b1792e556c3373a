#include "framework/backend/cpu/panels.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"
#include "framework/backend/cpu/winograd.h"
#include "framework/backend/cpu/winograd_tiles.h"
#include "framework/backend/cpu/winograd_weights.h"

// Forward, and the gradient of the input, which is the same with the weights turned around.

namespace d2l::cpu {
namespace winograd {
namespace {

// One convolution: in -> tiles -> products with packed weights -> out.
template <class T>
struct Pass {
  TileSource<T> in;
  Image<T> out;
  PackedWeights weights;
  const float* packed;
  const float* bias;  // or null
  bool relu;
  Tiling tiling;
};

template <class T, class S>
D2L_SIMD void write_rows(S, const Pass<T>& pass, int64_t first, int64_t count, const Matrices& m,
                         const float* products) {
  for (int64_t t = 0; t < count; ++t, products += m.row) {
    const Tiling::Place at = pass.tiling.place(first + t);
    T* pixels[S::kResults * S::kResults];
    for (int i = 0; i < S::kResults * S::kResults; ++i)
      pixels[i] = pass.out.pixel(at.image, at.y + i / S::kResults, at.x + i % S::kResults, nullptr);
    for (int64_t o = 0; o < pass.out.channels; o += kLanes) {
      Lanes16 bias{};
      if (pass.bias != nullptr) load(bias, pass.bias + o);
      transform_tile<S::kSide, S::kResults, transform_output<S>>(
          [&](int p, Lanes16& value) D2L_INLINE { load(value, products + p * m.step + o); },
          [&](int i, const Lanes16& result) D2L_INLINE {
            if (pixels[i] == nullptr) return;
            Lanes16 value = result + bias;
            if (pass.relu) relu(value);
            store(value, pixels[i] + o);
          });
    }
  }
}

template <class T>
void write_tiles(const Pass<T>& pass, int64_t first, int64_t count, const Matrices& m,
                 const float* products) {
  visit_scheme(pass.tiling,
               [&](auto scheme) { write_rows(scheme, pass, first, count, m, products); });
}

// Rows of one point's matrix times one panel of its weights.
D2L_SIMD void multiply(const PanelOperands& p, int64_t rows, int64_t depth) {
  if (p.b_step == 32)
    multiply_rows<PanelA::plain, 2>(p, rows, depth, false);
  else
    multiply_rows<PanelA::plain, 1>(p, rows, depth, false);
}

struct Workspace {
  Matrices in, out;
};

template <class T>
void multiply_panel(const Pass<T>& pass, int64_t item, int64_t count, const Workspace& w,
                    float* memory) {
  const int64_t panels = (pass.weights.columns + 31) / 32;
  const int point = static_cast<int>(item / panels);
  const int64_t column = item % panels * 32;
  multiply({.a = memory + point * w.in.step,
            .a_step = w.in.row,
            .b = pass.packed + pass.weights.panel(point, column),
            .b_step = pass.weights.panel_width(column),
            .out = memory + w.in.size + point * w.out.step + column,
            .out_step = w.out.row},
           count, pass.weights.depth);
}

// Weights that fit into a core's own cache: each thread takes a few tiles through all three steps.
template <class T>
void run_block_by_block(const Pass<T>& pass, MemoryPool& pool, int64_t block) {
  const int64_t points = pass.tiling.points();
  const Workspace w{{points, block, pass.in.image.channels}, {points, block, pass.out.channels}};
  const int64_t items = points * ((pass.weights.columns + 31) / 32);
  PerThread<float> memory(pool, w.in.size + w.out.size);
  parallel_for(pass.tiling.count, block, [&](int64_t begin, int64_t end) {
    float* mine = memory.mine();
    read_tiles(pass.in, pass.tiling, begin, end - begin, w.in, mine);
    for (int64_t i = 0; i < items; ++i) multiply_panel(pass, i, end - begin, w, mine);
    write_tiles(pass, begin, end - begin, w.out, mine + w.in.size);
  });
}

// Larger weights are read once for many tiles, and each part of them by one thread.
template <class T>
void run_step_by_step(const Pass<T>& pass, MemoryPool& pool, int64_t block) {
  const int64_t points = pass.tiling.points();
  const Workspace w{{points, block, pass.in.image.channels}, {points, block, pass.out.channels}};
  const int64_t items = points * ((pass.weights.columns + 31) / 32);
  Scratch<float> memory(pool, w.in.size + w.out.size);
  for (int64_t first = 0; first < pass.tiling.count; first += block) {
    const int64_t count = std::min(block, pass.tiling.count - first);
    parallel_for(count, 4, [&](int64_t begin, int64_t end) {
      read_tiles(pass.in, pass.tiling, first + begin, end - begin, w.in,
                 memory.data() + begin * w.in.row);
    });
    parallel_for(items, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) multiply_panel(pass, i, count, w, memory.data());
    });
    parallel_for(count, 4, [&](int64_t begin, int64_t end) {
      write_tiles(pass, first + begin, end - begin, w.out,
                  memory.data() + w.in.size + begin * w.out.row);
    });
  }
}

constexpr int64_t kOwnCache = 3 << 17, kSharedCache = 8 << 20;  // bytes
constexpr int64_t kRows = 14;                                   // of a block of products

template <class T>
void run(const Pass<T>& pass, MemoryPool& pool) {
  const int64_t tile_bytes =
      pass.tiling.points() * 4 * (pass.in.image.channels + pass.out.channels + 2 * kLanes);
  auto rounded = [](int64_t tiles) { return (tiles + kRows - 1) / kRows * kRows; };
  if (pass.weights.size * 4 <= 8 * kOwnCache)
    return run_block_by_block(
        pass, pool, std::clamp(kOwnCache / tile_bytes / kRows, int64_t{1}, int64_t{8}) * kRows);
  // Large weights, which are read again for each block, make larger blocks.
  const int64_t cache = std::clamp(pass.weights.size * 4, kSharedCache, 2 * kSharedCache);
  const int64_t most = std::max(cache / tile_bytes, 4 * kRows);
  const int64_t blocks = (pass.tiling.count + most - 1) / most;
  run_step_by_step(pass, pool, rounded((pass.tiling.count + blocks - 1) / blocks));
}

}  // namespace
}  // namespace winograd

using namespace winograd;

bool winograd_suits(const DirectConvolution& s, ConvolutionPass pass, DType dtype) {
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
  if (dtype == DType::f32) return fewest >= 2 * kLanes;
  if (fewest < (s.kernel_height == 5 ? 2 : 3) * kLanes) return false;
  // Tiles that stick out of the image are work for nothing.
  const bool forward = pass != ConvolutionPass::backward_input;
  const Extent size = forward ? Extent{s.out_height, s.out_width} : Extent{s.height, s.width};
  const Tiling tiling(1, size, s.kernel_height);
  return 4 * size.height * size.width >= 3 * tiling.count * tiling.side * tiling.side;
}

template <class T>
void winograd_forward(const DirectConvolution& s, MemoryPool& pool, const T* x, const float* weight,
                      const float* bias, T* y) {
  const Extent size{s.out_height, s.out_width};
  const Tiling tiling(s.images, size, s.kernel_height);
  const PackedWeights weights(tiling.points(), s.in, s.out);
  Scratch<float> packed(pool, weights.size);
  pack_weights(s, tiling, pool, weight, packed.data());
  Scratch<T> zeros(pool, s.in);
  std::fill_n(zeros.data(), s.in, T{});
  run(Pass<T>{.in = {{x, {s.height, s.width}, s.in}, s.params.padding, zeros.data()},
              .out = {y, size, s.out},
              .weights = weights,
              .packed = packed.data(),
              .bias = bias,
              .relu = s.params.activation == Activation::relu,
              .tiling = tiling},
      pool);
}

template <class T>
void winograd_backward_input(const DirectConvolution& s, MemoryPool& pool, const T* grad_y,
                             const float* weight, T* grad_x) {
  const Extent size{s.height, s.width};
  const Tiling tiling(s.images, size, s.kernel_height);
  const PackedWeights weights(tiling.points(), s.out, s.in);
  Scratch<float> packed(pool, weights.size);
  pack_weights_turned(s, tiling, weight, packed.data());
  Scratch<T> zeros(pool, s.out);
  std::fill_n(zeros.data(), s.out, T{});
  run(Pass<T>{.in = {{grad_y, {s.out_height, s.out_width}, s.out},
                     {s.kernel_height - 1 - s.params.padding.height,
                      s.kernel_width - 1 - s.params.padding.width},
                     zeros.data()},
              .out = {grad_x, size, s.in},
              .weights = weights,
              .packed = packed.data(),
              .bias = nullptr,
              .relu = false,
              .tiling = tiling},
      pool);
}

template void winograd_forward(const DirectConvolution&, MemoryPool&, const float*, const float*,
                               const float*, float*);
template void winograd_forward(const DirectConvolution&, MemoryPool&, const Bfloat16*, const float*,
                               const float*, Bfloat16*);
template void winograd_backward_input(const DirectConvolution&, MemoryPool&, const float*,
                                      const float*, float*);
template void winograd_backward_input(const DirectConvolution&, MemoryPool&, const Bfloat16*,
                                      const float*, Bfloat16*);

}  // namespace d2l::cpu
