#include <algorithm>

#include "framework/backend/cpu/convolution/few_channels/few_channels.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"

// Computes the gradient of one row of an image in two steps. First, each output pixel's gradient is
// multiplied by the rows of the kernel that read this row: taps (kx, c) are adjacent and fill one
// to three vectors. Then the taps of the same input pixel are added (col2im).

namespace d2l::cpu {
namespace {

constexpr int64_t kLanes = 16;

int64_t vectors_of(const ConvolutionShape& s) { return (s.taps() + kLanes - 1) / kLanes; }

// Output pixels per block: their sums must fit into the registers.
constexpr int pixels_for(int vectors) { return vectors == 1 ? 14 : vectors == 2 ? 10 : 8; }

// [o, ky, taps] -> [ky, o, taps padded with zeros]
void pack_weights(const ConvolutionShape& s, const float* weight, float* packed) {
  int64_t lanes = vectors_of(s) * kLanes;
  std::fill(packed, packed + s.kernel_height * s.out * lanes, 0.0f);
  for (int64_t o = 0; o < s.out; ++o)
    for (int64_t ky = 0; ky < s.kernel_height; ++ky) {
      const float* row = weight + (o * s.kernel_height + ky) * s.taps();
      std::copy(row, row + s.taps(), packed + (ky * s.out + o) * lanes);
    }
}

struct Part {
  const float* grad_y;   // one image
  const float* weights;  // packed
  int64_t first, last;   // rows of the kernel that read this row of the image
};

template <int kVectors, int kOut>
[[gnu::always_inline]] inline void products_of_row(const ConvolutionShape& s, const Part& part,
                                                   int64_t iy, float* products) {
  constexpr int kPixels = pixels_for(kVectors);
  for (int64_t i = 0; i < s.out_width; i += kPixels) {
    int64_t ox = std::min(i, s.out_width - kPixels);  // the last tile may overlap the one before
    Lanes16 sum[kPixels][kVectors]{};
    for (int64_t ky = part.first; ky < part.last; ++ky) {
      int64_t oy = iy + s.params.padding.height - ky;
      const float* grad = part.grad_y + (oy * s.out_width + ox) * kOut;
      const float* weights = part.weights + ky * kOut * kVectors * kLanes;
      for (int o = 0; o < kOut; ++o, ++grad, weights += kVectors * kLanes) {
        Lanes16 w[kVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) load(w[v], weights + v * kLanes);
#pragma GCC unroll 16
        for (int t = 0; t < kPixels; ++t)
#pragma GCC unroll 4
          for (int v = 0; v < kVectors; ++v) sum[t][v] += w[v] * grad[t * kOut];
      }
    }
#pragma GCC unroll 16
    for (int t = 0; t < kPixels; ++t)
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v)
        store(sum[t][v], products + ((ox + t) * kVectors + v) * kLanes);
  }
}

// row[ix, c] = sum of products[ox, kx, c] with ox + kx = ix + padding. Vectors extend past the last
// channel; the next pixel overwrites the extra lanes.
[[gnu::always_inline]] inline void add_taps(const ConvolutionShape& s, const float* products,
                                            float* row) {
  int64_t step = vectors_of(s) * kLanes;
  for (int64_t ix = 0; ix < s.width; ++ix) {
    int64_t position = ix + s.params.padding.width;
    int64_t first = std::max<int64_t>(0, position - s.out_width + 1);
    int64_t last = std::min(s.kernel_width, position + 1);
    for (int64_t c = 0; c < s.in; c += 8) {
      Lanes8 sum{};
      for (int64_t kx = first; kx < last; ++kx) {
        Lanes8 value;
        load(value, products + (position - kx) * step + kx * s.in + c);
        sum += value;
      }
      store(sum, row + ix * s.in + c);
    }
  }
}

template <int kVectors, int kOut, class T>
[[gnu::always_inline]] inline void image_rows(const ConvolutionShape& s, Part part, float* products,
                                              float* row, T* grad_x) {
  for (int64_t iy = 0; iy < s.height; ++iy) {
    int64_t position = iy + s.params.padding.height;
    part.first = std::max<int64_t>(0, position - s.out_height + 1);
    part.last = std::min(s.kernel_height, position + 1);
    products_of_row<kVectors, kOut>(s, part, iy, products);
    add_taps(s, products, row);
    copy_row(row, s.width * s.in, grad_x + iy * s.width * s.in);
  }
}

template <class T>
D2L_SIMD void input_image(const ConvolutionShape& s, const Part& part, float* products, float* row,
                          T* grad_x) {
  switch (vectors_of(s) * 100 + s.out) {
    case 116:
      return image_rows<1, 16>(s, part, products, row, grad_x);
    case 132:
      return image_rows<1, 32>(s, part, products, row, grad_x);
    case 216:
      return image_rows<2, 16>(s, part, products, row, grad_x);
    case 232:
      return image_rows<2, 32>(s, part, products, row, grad_x);
    case 316:
      return image_rows<3, 16>(s, part, products, row, grad_x);
    default:
      return image_rows<3, 32>(s, part, products, row, grad_x);
  }
}

template <class T>
void gather_gradients(const ConvolutionShape& s, MemoryPool& pool, const T* grad_y,
                      const float* weight, T* grad_x) {
  int64_t lanes = vectors_of(s) * kLanes;
  Scratch<float> packed(pool, s.kernel_height * s.out * lanes);
  PerThread<float> products(pool, s.out_width * lanes), rows(pool, s.width * s.in);
  PerThread<float> grads(pool, floats_beside<T>(s.y_image()));
  pack_weights(s, weight, packed.data());
  parallel_for(s.images, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const float* grad = as_floats(grad_y + n * s.y_image(), s.y_image(), grads.mine());
      input_image(s, {grad, packed.data(), 0, 0}, products.mine(), rows.mine(),
                  grad_x + n * s.x_image());
    }
  });
}

}  // namespace

bool taps_backward_input_suits(const ConvolutionShape& s) {
  int64_t vectors = vectors_of(s);
  return has_wide_vectors() && s.unit_stride() && (s.out == 16 || s.out == 32) &&
         s.in % kLanes != 0 && vectors <= 3 && 3 * s.taps() >= 2 * vectors * kLanes &&
         s.out_width >= pixels_for(static_cast<int>(vectors));
}

void taps_backward_input(const ConvolutionContext& on, const ConvolutionShape& s,
                         const InputGradientOperands& operands) {
  visit_float(s.dtype, [&](auto zero) {
    using T = decltype(zero);
    gather_gradients(s, on.pool(), operands.grad_y.as<T>(), operands.weight.as<float>(),
                     operands.grad_x.as<T>());
  });
}

}  // namespace d2l::cpu
