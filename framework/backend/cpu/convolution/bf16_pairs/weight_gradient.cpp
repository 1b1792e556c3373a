#include "framework/backend/bf16_products.h"
#include "framework/backend/cpu/convolution/bf16_pairs/amx_tiles.h"
#include "framework/backend/cpu/convolution/bf16_pairs/bf16_pairs.h"
#include "framework/backend/cpu/convolution/bf16_pairs/pairs.h"
#include "framework/backend/cpu/convolution/image_sums.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"

// A pair has the same pixel of two images. With AMX, the pairs of the output's gradient are
// transposed (16 channels by 16 pixels). The pairs of the input are gathered for each tap of the
// kernel (im2col), with zeros for the padding. So both become rows of tiles.

namespace d2l::cpu {
namespace {

// kRows: output channels per block. kGroup: output channels per group of blocks, which fits into a
// core's L1 cache. kProducts: products between two updates of a block's sums.
constexpr int64_t kRows = 8, kGroup = 32, kProducts = 128;
constexpr int64_t kCache = 1 << 19;  // bytes of pairs that a core processes at a time

// The positions of the factors of one product, in elements of a panel of pairs.
struct Factors {
  int32_t x, y;
};

// Lists all products of one tap of the kernel with pairs of images, in order.
int64_t list_factors(const ConvolutionShape& s, int64_t tap, int64_t pairs, Factors* list) {
  const int64_t top = tap / s.kernel_width - s.params.padding.height;
  const int64_t left = tap % s.kernel_width - s.params.padding.width;
  Factors* next = list;
  for (int64_t pair = 0; pair < pairs; ++pair)
    for (int64_t y = 0; y < s.out_height; ++y) {
      const int64_t row = y * s.params.stride.height + top;
      if (row < 0 || row >= s.height) continue;
      for (int64_t x = 0; x < s.out_width; ++x) {
        const int64_t column = x * s.params.stride.width + left;
        if (column < 0 || column >= s.width) continue;
        *next++ = {
            static_cast<int32_t>(((pair * s.height + row) * s.width + column) * kPairLanes),
            static_cast<int32_t>(((pair * s.out_height + y) * s.out_width + x) * kPairLanes)};
      }
    }
  return next - list;
}

struct Operands {
  const Pair* x[2];  // the panels of 32 input channels
  const Pair* y;     // kRows of a panel of output channels
  const Factors* list;
  int64_t count;
  float* sums;  // [kRows, 16 kVectors], rows `step` apart
  int64_t step;
};

#if defined(__x86_64__)
// kRows output channels and 16 kVectors input channels of one tap; adds to the sums if `add`.
template <int kVectors>
D2L_PAIRS void multiply_block(const Operands& p, bool add) {
  __m512 sum[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_setzero_ps();
  for (int64_t k = 0; k < p.count; ++k) {
    const Pair* y = p.y + p.list[k].y;
    __m512bh row[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) row[v] = load_pairs(p.x[v] + p.list[k].x);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const __m512bh factor = broadcast_pair(y + r);
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], factor, row[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      float* to = p.sums + r * p.step + v * kPairLanes;
      _mm512_storeu_ps(to, add ? _mm512_add_ps(_mm512_loadu_ps(to), sum[r][v]) : sum[r][v]);
    }
}
#else
template <int kVectors>
void multiply_block(const Operands&, bool) {}
#endif

int64_t in_tiles(int64_t rows) { return (rows + kPairLanes - 1) / kPairLanes * kPairLanes; }

// The data that all slices of the images share. With several slices, one thread processes each
// slice.
struct Gradient {
  Gradient(const ConvolutionShape& shape, MemoryPool& pool, int64_t cut, int64_t cache)
      : s(shape),
        slices(cut),
        pairs((shape.images + 1) / 2),
        pair_bytes(static_cast<int64_t>(sizeof(Pair)) * (s.x_image() + s.y_image())),
        most(std::clamp<int64_t>(cache / pair_bytes, 1, (pairs + slices - 1) / slices)),
        taps(s.kernel_height * s.kernel_width),
        products(most * s.out_height * s.out_width),
        tiles(bf16_products() == Bf16Products::tiles),
        lists(pool, tiles ? 0 : taps * products),
        counts(pool, tiles ? 0 : taps),
        zeros(pool, std::max(s.in, s.out)),
        in_order(pool, tiles ? 2 * in_tiles(products) * kPairLanes : 0) {
    std::fill_n(zeros.data(), std::max(s.in, s.out), Bfloat16{});
    if (tiles) return;
    parallel_for(taps, 1, [&](int64_t tap, int64_t) {
      counts.data()[tap] = list_factors(s, tap, most, lists.data() + tap * products) / most;
    });
  }

  // Calls body(i) for [0, count): on all threads if there is only one slice.
  template <class Body>
  void for_each(int64_t count, const Body& body) const {
    if (slices == 1) return parallel_for(count, 1, [&](int64_t i, int64_t) { body(i); });
    for (int64_t i = 0; i < count; ++i) body(i);
  }

  // Interleaves `count` pairs of images of `pixels` pixels, beginning with image `first`.
  void interleave_images(const Bfloat16* images, int64_t pixels, int64_t first, int64_t count,
                         const Pairs& to) const {
    constexpr int64_t kGrain = 4096;  // elements
    const int64_t grain = std::max<int64_t>(1, kGrain / to.channels);
    const int64_t pieces = (pixels + grain - 1) / grain, size = pixels * to.channels;
    for_each(count * pieces, [&](int64_t item) {
      const int64_t pair = item / pieces, image = first + 2 * pair, at = item % pieces * grain;
      const Bfloat16* from = images + image * size + at * to.channels;
      const PixelRow one{from, to.channels}, nothing{zeros.data(), 0};
      interleave(one, image + 1 < s.images ? PixelRow{from + size, to.channels} : nothing,
                 std::min(grain, pixels - at), to, pair * pixels + at);
    });
  }

  // Adds the products of `count` pairs of images.
  void multiply(const Pairs& x, const Pairs& y, int64_t count, float* weight, bool add) const {
    const int64_t panels = (s.in + 2 * kPairLanes - 1) / (2 * kPairLanes);
    const int64_t groups = (s.out + kGroup - 1) / kGroup;
    for_each(taps * panels * groups, [&](int64_t item) {
      const int64_t tap = item / (panels * groups), c = item / groups % panels * 2 * kPairLanes;
      const int64_t first = item % groups * kGroup, last = std::min(first + kGroup, s.out);
      const int64_t factors = counts.data()[tap] * count;
      for (int64_t k = 0; k == 0 || k < factors; k += kProducts)
        for (int64_t o = first; o < last; o += kRows) {
          const Operands operands{
              .x = {x.panel(c), x.panel(std::min(c + kPairLanes, s.in - kPairLanes))},
              .y = y.panel(o / kPairLanes * kPairLanes) + o % kPairLanes,
              .list = lists.data() + tap * products + k,
              .count = std::min(kProducts, factors - k),
              .sums = weight + (o * taps + tap) * s.in + c,
              .step = taps * s.in};
          s.in - c >= 2 * kPairLanes ? multiply_block<2>(operands, add || k > 0)
                                     : multiply_block<1>(operands, add || k > 0);
        }
    });
  }

  // Gathers the pairs that `tap` of the kernel reads in 16 channels, in the order of output pixels.
  void put_in_order(const Pair* x, int64_t tap, int64_t count, Pair* to) const {
    const Conv2dParams& p = s.params;
    const int64_t top = tap / s.kernel_width - p.padding.height;
    const int64_t left = tap % s.kernel_width - p.padding.width;
    Pair* const end = to + in_tiles(count * s.out_height * s.out_width) * kPairLanes;
    for (int64_t pair = 0; pair < count; ++pair)
      for (int64_t y = 0; y < s.out_height; ++y) {
        const int64_t row = y * p.stride.height + top;
        const bool inside = row >= 0 && row < s.height;
        const Pair* from = x + (pair * s.height + row) * s.width * kPairLanes;
        for (int64_t column = left; column < left + s.out_width * p.stride.width;
             column += p.stride.width, to += kPairLanes)
          if (inside && column >= 0 && column < s.width)
            std::memcpy(to, from + column * kPairLanes, kPairLanes * sizeof(Pair));
          else
            std::memset(to, 0, kPairLanes * sizeof(Pair));
      }
    std::fill(to, end, Pair{});
  }

  // Adds the products of `count` pairs of images with AMX tiles; y is transposed.
  void multiply_in_tiles(const Pairs& x, const Pairs& y, int64_t count, float* weight,
                         bool add) const {
    const int64_t panels = (s.in + kTileSums - 1) / kTileSums;
    const int64_t rows = in_tiles(count * s.out_height * s.out_width);
    for_each(taps * panels, [&](int64_t item) {
      const int64_t tap = item / panels, c = item % panels * kTileSums;
      const bool two = c + kPairLanes < s.in;
      Pair* first = in_order.mine();
      Pair* second = first + rows * kPairLanes;
      put_in_order(x.panel(c), tap, count, first);
      if (two) put_in_order(x.panel(c + kPairLanes), tap, count, second);
      float sums[kTileSums][kTileSums];
      for (int64_t o = 0; o < s.out; o += kTileSums) {
        const int64_t channels = std::min(kTileSums, s.out - o);
        multiply_tiles({y.panel(o), channels > kPairLanes ? y.panel(o + kPairLanes) : nullptr},
                       {first, two ? second : nullptr}, rows / kPairLanes, sums);
        for (int64_t r = 0; r < channels; ++r) {
          float* to = weight + ((o + r) * taps + tap) * s.in + c;
          const int64_t size = two ? kTileSums : kPairLanes;
          if (add)
            cpu::add(sums[r], size, to);
          else
            std::copy_n(sums[r], size, to);
        }
      }
    });
  }

  // The gradients of one slice; bias may be null. `memory` has pairs_held() elements.
  void run(int64_t slice, const Bfloat16* x, const Bfloat16* grad_y, Pair* memory, float* weight,
           float* bias) const {
    const int64_t x_pixels = s.height * s.width, y_pixels = s.out_height * s.out_width;
    const Pairs pairs_x{s.in, most * x_pixels, memory};
    const Pairs pairs_y{s.out, in_tiles(products), memory + most * s.x_image()};
    const int64_t begin = pairs * slice / slices, end = pairs * (slice + 1) / slices;
    if (bias != nullptr) std::fill_n(bias, s.out, 0.0f);
    for (int64_t pair = begin; pair < end; pair += most) {
      const int64_t count = std::min(most, end - pair);
      interleave_images(x, x_pixels, 2 * pair, count, pairs_x);
      interleave_images(grad_y, y_pixels, 2 * pair, count, pairs_y);
      for_each(s.out / kPairLanes, [&](int64_t i) {
        Pair* panel = pairs_y.panel(i * kPairLanes);
        const int64_t rows = count * y_pixels;
        if (bias != nullptr) add_pairs(panel, rows, bias + i * kPairLanes);
        if (!tiles) return;
        std::fill_n(panel + rows * kPairLanes, (in_tiles(rows) - rows) * kPairLanes, Pair{});
        for (int64_t row = 0; row < rows; row += kPairLanes)
          transpose_tile(panel + row * kPairLanes);
      });
      if (tiles)
        multiply_in_tiles(pairs_x, pairs_y, count, weight, pair > begin);
      else
        multiply(pairs_x, pairs_y, count, weight, pair > begin);
    }
  }

  int64_t pairs_held() const { return most * s.x_image() + in_tiles(products) * s.out; }

  ConvolutionShape s;
  int64_t slices, pairs, pair_bytes, most, taps, products;
  bool tiles;
  Scratch<Factors> lists;    // without tiles
  Scratch<int64_t> counts;   // of products with one pair of images
  Scratch<Bfloat16> zeros;   // a pixel of a missing image
  PerThread<Pair> in_order;  // with tiles
};

// The number of slices of images, by the shape alone. More slices are used as long as their sums
// are small compared to the data.
int64_t slices_of(const ConvolutionShape& s) {
  constexpr int64_t kWorth = 16, kMost = 64, kFewest = 4;
  const int64_t weights = s.in * s.out * s.kernel_height * s.kernel_width;
  const int64_t slices = s.images * (s.x_image() + s.y_image()) / (kWorth * weights);
  return slices < kFewest ? 1 : std::min({slices, kMost, (s.images + 1) / 2});
}

}  // namespace

bool pairs_backward_weight_suits(const ConvolutionShape& s) {
  return s.dtype == DType::bf16 && bf16_products() != Bf16Products::f32 && s.in % kPairLanes == 0 &&
         s.out % kPairLanes == 0;
}

void pairs_backward_weight(const ConvolutionContext& on, const ConvolutionShape& given,
                           const WeightGradientOperands& operands) {
  const Bfloat16* x = operands.x.as<Bfloat16>();
  const Bfloat16* grad_y = operands.grad_y.as<Bfloat16>();
  float* grad_weight = operands.grad_weight.as<float>();
  float* grad_bias = operands.grad_bias.as<float>();
  MemoryPool& pool = on.pool();
  ConvolutionShape s = given;
  if (s.kernel_height == 1 && s.kernel_width == 1 && s.unit_stride() && !s.padded()) {
    s.images *= s.height;  // each row becomes an image: smaller pairs fit into the cache
    s.height = s.out_height = 1;
  }
  const int64_t slices = slices_of(s);
  const Gradient gradient(s, pool, slices, slices > 1 ? kCache : 2 * kCache);
  if (slices == 1) {
    Scratch<Pair> pairs(pool, gradient.pairs_held());
    return gradient.run(0, x, grad_y, pairs.data(), grad_weight, grad_bias);
  }
  const int64_t weights = s.in * s.out * gradient.taps, sums = weights + s.out;
  PerThread<Pair> pairs(pool, gradient.pairs_held());
  Scratch<float> parts(pool, slices * sums);
  parallel_for(slices, 1, [&](int64_t slice, int64_t) {
    float* part = parts.data() + slice * sums;
    gradient.run(slice, x, grad_y, pairs.mine(), part, grad_bias ? part + weights : nullptr);
  });
  auto add_parts = [&](int64_t begin, int64_t end, float* to) {
    std::copy(parts.data() + begin, parts.data() + end, to);
    for (int64_t slice = 1; slice < slices; ++slice)
      add(parts.data() + slice * sums + begin, end - begin, to);
  };
  parallel_for(weights, 4096,
               [&](int64_t begin, int64_t end) { add_parts(begin, end, grad_weight + begin); });
  if (grad_bias != nullptr) add_parts(weights, sums, grad_bias);
}

}  // namespace d2l::cpu
