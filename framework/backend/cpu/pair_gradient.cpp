#include "framework/backend/cpu/pair_convolution.h"
#include "framework/backend/cpu/pairs.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"

// A pair is one place of two images.

namespace d2l::cpu {
namespace {

// Output channels of a block and, for a core's L1, of a group of blocks; products between two
// visits to a block's sums.
constexpr int64_t kRows = 8, kGroup = 32, kProducts = 128;
constexpr int64_t kCache = 1 << 19;  // bytes of pairs that a core works on at a time

// Where the factors of one product lie, in elements of a panel of the pairs.
struct Factors {
  int32_t x, y;
};

// All products of one tap of the kernel with pairs of images, in order.
int64_t list_factors(const DirectConvolution& s, int64_t tap, int64_t pairs, Factors* list) {
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
// kRows output channels and 16 kVectors input channels of one tap; adds to the sums when `add`.
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

// All that slices of the images share. A slice is worked on by one thread, if there are several.
struct Gradient {
  Gradient(const DirectConvolution& shape, MemoryPool& pool, int64_t cut, int64_t cache)
      : s(shape),
        slices(cut),
        pairs((shape.images + 1) / 2),
        pair_bytes(static_cast<int64_t>(sizeof(Pair)) * (s.x_image() + s.y_image())),
        most(std::clamp<int64_t>(cache / pair_bytes, 1, (pairs + slices - 1) / slices)),
        taps(s.kernel_height * s.kernel_width),
        products(most * s.out_height * s.out_width),
        lists(pool, taps * products),
        counts(pool, taps),
        zeros(pool, std::max(s.in, s.out)) {
    std::fill_n(zeros.data(), std::max(s.in, s.out), Bfloat16{});
    parallel_for(taps, 1, [&](int64_t tap, int64_t) {
      counts.data()[tap] = list_factors(s, tap, most, lists.data() + tap * products) / most;
    });
  }

  // Calls body(i) for [0, count), on all threads unless they have slices of their own.
  template <class Body>
  void for_each(int64_t count, const Body& body) const {
    if (slices == 1) return parallel_for(count, 1, [&](int64_t i, int64_t) { body(i); });
    for (int64_t i = 0; i < count; ++i) body(i);
  }

  // `count` pairs of images of so many pixels, from image `first` on.
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

  // The products of `count` pairs.
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

  // The gradients of slice number `slice`; bias may be null. `memory` holds pair_bytes * most.
  void run(int64_t slice, const Bfloat16* x, const Bfloat16* grad_y, Pair* memory, float* weight,
           float* bias) const {
    const int64_t x_pixels = s.height * s.width, y_pixels = s.out_height * s.out_width;
    const Pairs pairs_x{s.in, most * x_pixels, memory};
    const Pairs pairs_y{s.out, most * y_pixels, memory + most * s.x_image()};
    const int64_t begin = pairs * slice / slices, end = pairs * (slice + 1) / slices;
    if (bias != nullptr) std::fill_n(bias, s.out, 0.0f);
    for (int64_t pair = begin; pair < end; pair += most) {
      const int64_t count = std::min(most, end - pair);
      interleave_images(x, x_pixels, 2 * pair, count, pairs_x);
      interleave_images(grad_y, y_pixels, 2 * pair, count, pairs_y);
      multiply(pairs_x, pairs_y, count, weight, pair > begin);
      if (bias != nullptr)
        for_each(s.out / kPairLanes, [&](int64_t i) {
          add_pairs(pairs_y.panel(i * kPairLanes), count * y_pixels, bias + i * kPairLanes);
        });
    }
  }

  DirectConvolution s;
  int64_t slices, pairs, pair_bytes, most, taps, products;
  Scratch<Factors> lists;
  Scratch<int64_t> counts;  // of products with one pair of images
  Scratch<Bfloat16> zeros;  // a pixel of an image that does not exist
};

// Into how many slices the images are cut, by the shape alone: as long as the slices' sums are few
// next to what is summed.
int64_t slices_of(const DirectConvolution& s) {
  constexpr int64_t kWorth = 16, kMost = 64, kFewest = 4;
  const int64_t weights = s.in * s.out * s.kernel_height * s.kernel_width;
  const int64_t slices = s.images * (s.x_image() + s.y_image()) / (kWorth * weights);
  return slices < kFewest ? 1 : std::min({slices, kMost, (s.images + 1) / 2});
}

}  // namespace

bool pair_backward_weight_suits(const DirectConvolution& s) {
  return has_pairs() && s.in % kPairLanes == 0 && s.out % kPairLanes == 0;
}

void pair_backward_weight(const DirectConvolution& given, MemoryPool& pool, const Bfloat16* x,
                          const Bfloat16* grad_y, float* grad_weight, float* grad_bias) {
  DirectConvolution s = given;
  if (s.kernel_height == 1 && s.kernel_width == 1 && s.unit_stride() && !s.padded()) {
    s.images *= s.height;  // every row is an image, so that as many as the cache holds are paired
    s.height = s.out_height = 1;
  }
  const int64_t slices = slices_of(s);
  const Gradient gradient(s, pool, slices, slices > 1 ? kCache : 2 * kCache);
  const int64_t memory = gradient.pair_bytes / static_cast<int64_t>(sizeof(Pair)) * gradient.most;
  if (slices == 1) {
    Scratch<Pair> pairs(pool, memory);
    return gradient.run(0, x, grad_y, pairs.data(), grad_weight, grad_bias);
  }
  const int64_t weights = s.in * s.out * gradient.taps, sums = weights + s.out;
  PerThread<Pair> pairs(pool, memory);
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
