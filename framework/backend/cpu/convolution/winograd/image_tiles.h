#pragma once

#include <algorithm>

#include "framework/backend/convolution_shape.h"
#include "framework/backend/cpu/lanes.h"

// Inlines a function object wherever it is called.
#define D2L_INLINE __attribute__((always_inline))

// Shared by the Winograd kernels: the tiling of images, and the transforms of one line of a tile.
namespace d2l::cpu::winograd {

constexpr int64_t kLanes = 16;

// A tile of side x side pixels gives results x results outputs for kernels of taps x taps.
template <int kTileSide, int kKernel>
struct Scheme {
  static constexpr int kSide = kTileSide, kTaps = kKernel, kResults = kSide + 1 - kTaps;
  static constexpr int kPoints = kSide * kSide;
};
using Scheme3x3 = Scheme<5, 3>;  // points 0, 1, -1, 2, infinity
using Scheme4x3 = Scheme<6, 3>;  // and -2
using Scheme2x5 = Scheme<6, 5>;
using Scheme6x3 = Scheme<8, 3>;  // and 1/2, -1/2
using Scheme4x5 = Scheme<8, 5>;

// The tiles of all images, which are processed in blocks.
struct Tiling {
  Tiling(int64_t images, Extent size, int64_t kernel)
      : tile(best_tile(size, kernel)),
        side(tile + 1 - static_cast<int>(kernel)),
        out(size),
        rows(pieces(size.height, side)),
        columns(pieces(size.width, side)),
        count(images * rows * columns) {}

  struct TilePosition {
    int64_t image, y, x;  // of the first result
  };
  TilePosition position(int64_t number) const {
    const int64_t in_image = number % (rows * columns);
    return {number / (rows * columns), in_image / columns * side, in_image % columns * side};
  }
  int points() const { return tile * tile; }
  int taps() const { return tile + 1 - side; }  // of the kernel along one axis

  int tile;  // pixels along one axis
  int side;  // results
  Extent out;
  int64_t rows, columns, count;

 private:
  static int64_t pieces(int64_t size, int64_t piece) { return (size + piece - 1) / piece; }
  static int64_t products(Extent size, int64_t kernel, int64_t tile) {
    const int64_t results = tile + 1 - kernel;
    return pieces(size.height, results) * pieces(size.width, results) * tile * tile;
  }
  // Tile sizes other than 6 x 6 must save enough to justify longer or more frequent transforms.
  static int best_tile(Extent size, int64_t kernel) {
    const int64_t of_six = products(size, kernel, 6), of_eight = products(size, kernel, 8);
    if (kernel == 3 && 4 * products(size, kernel, 5) <= 3 * std::min(of_six, of_eight)) return 5;
    return 9 * of_eight <= 8 * of_six ? 8 : 6;
  }
};

// Calls body(Scheme{}).
template <class Body>
[[gnu::always_inline]] inline void visit_scheme(const Tiling& tiling, const Body& body) {
  if (tiling.tile == 8) return tiling.side == 6 ? body(Scheme6x3{}) : body(Scheme4x5{});
  if (tiling.tile == 5) return body(Scheme3x3{});
  tiling.side == 4 ? body(Scheme4x3{}) : body(Scheme2x5{});
}

// Images that are read or written tile by tile.
template <class T>
struct Image {
  T* data;
  Extent size;
  int64_t channels;

  // Finds the channels of kSide x kSide pixels, the first of which is (y, x). Pixels that do not
  // exist point to `outside`.
  template <int kSide>
  [[gnu::always_inline]] void find_pixels(int64_t image, int64_t y, int64_t x, T* outside,
                                          T** pixels) const {
    T* const first = data + ((image * size.height + y) * size.width + x) * channels;
    for (int i = 0; i < kSide; ++i)
      for (int j = 0; j < kSide; ++j) {
        const bool inside = static_cast<uint64_t>(y + i) < static_cast<uint64_t>(size.height) &&
                            static_cast<uint64_t>(x + j) < static_cast<uint64_t>(size.width);
        pixels[i * kSide + j] = inside ? first + (i * size.width + j) * channels : outside;
      }
  }
};

// Matrices [tile, channel], one for each point of the transform. Strides avoid powers of two, which
// would map several rows, or the same element of all matrices, to one cache set.
struct Matrices {
  Matrices(int64_t points, int64_t tiles, int64_t channels)
      : row(row_of(channels)), step(tiles * row + kLanes), size(points * step) {}
  static int64_t row_of(int64_t channels) {
    return channels % 64 == 0 ? channels + kLanes : channels;
  }
  int64_t row, step, size;
};

// The images that tiles are read from; `zeros` is a pixel outside the image.
template <class T>
struct TileSource {
  Image<const T> image;
  Extent padding;
  const T* zeros;
};

// Transforms tiles [first, first + count) into rows of the matrices; T is float or Bfloat16.
template <class T>
void read_tiles(const TileSource<T>& source, const Tiling& tiling, int64_t first, int64_t count,
                const Matrices& m, float* rows);

// --- transforms of one line ---

// B^T d: side -> side
template <class S>
[[gnu::always_inline]] inline void transform_input(const Lanes16* d, Lanes16* out) {
  if constexpr (S::kSide == 5) {
    const Lanes16 a = d[3] - d[1];
    out[0] = 2.0f * (d[0] - d[2]) + a;
    out[1] = d[3] - d[2] - 2.0f * d[1];
    out[2] = d[3] - 3.0f * d[2] + 2.0f * d[1];
    out[3] = a;
    out[4] = d[4] - d[2] - 2.0f * a;
  } else if constexpr (S::kSide == 6) {
    const Lanes16 a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1];
    const Lanes16 c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
    out[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
    out[1] = a + b;
    out[2] = a - b;
    out[3] = c + e;
    out[4] = c - e;
    out[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
  } else {
    const Lanes16 a = d[2] + d[6] - 4.25f * d[4], b = d[1] + d[5] - 4.25f * d[3];
    const Lanes16 c = d[6] + 0.25f * d[2] - 1.25f * d[4];
    const Lanes16 e = 0.5f * d[1] - 2.5f * d[3] + 2.0f * d[5];
    const Lanes16 f = d[6] + 4.0f * d[2] - 5.0f * d[4];
    const Lanes16 g = 2.0f * d[1] - 2.5f * d[3] + 0.5f * d[5];
    out[0] = d[0] - d[6] + 5.25f * (d[4] - d[2]);
    out[1] = a + b;
    out[2] = a - b;
    out[3] = c + e;
    out[4] = c - e;
    out[5] = f + g;
    out[6] = f - g;
    out[7] = d[7] - d[1] + 5.25f * (d[3] - d[5]);
  }
}

// A^T m: side -> results
template <class S>
[[gnu::always_inline]] inline void transform_output(const Lanes16* m, Lanes16* out) {
  const Lanes16 p = m[1] + m[2], q = m[1] - m[2];
  if constexpr (S::kSide == 5) {
    out[0] = m[0] + p + m[3];
    out[1] = q + 2.0f * m[3];
    out[2] = p + 4.0f * m[3] + m[4];
    return;
  }
  const Lanes16 r = m[3] + m[4], t = m[3] - m[4];
  out[0] = m[0] + p + r;
  out[1] = q + 2.0f * t;
  if constexpr (S::kResults >= 4) {
    out[2] = p + 4.0f * r;
    out[3] = q + 8.0f * t;
  }
  if constexpr (S::kSide == 8) {
    const Lanes16 u = m[5] + m[6], v = m[5] - m[6];
    out[0] += u;
    out[1] += 0.5f * v;
    out[2] += 0.25f * u;
    out[3] += 0.125f * v;
    if constexpr (S::kResults == 6) {
      out[4] = p + 16.0f * r + 0.0625f * u;
      out[5] = q + 32.0f * t + 0.03125f * v;
    }
  }
  out[S::kResults - 1] += m[S::kSide - 1];
}

// A g: results -> side, the transpose of transform_output
template <class S>
[[gnu::always_inline]] inline void transform_gradient(const Lanes16* g, Lanes16* out) {
  if constexpr (S::kSide == 5) {
    const Lanes16 a = g[0] + g[2];
    out[0] = g[0];
    out[1] = a + g[1];
    out[2] = a - g[1];
    out[3] = g[0] + 2.0f * g[1] + 4.0f * g[2];
    out[4] = g[2];
    return;
  }
  Lanes16 even = g[0], odd = g[1], even2 = g[0], odd2 = 2.0f * g[1];
  if constexpr (S::kResults >= 4) {
    even += g[2];
    odd += g[3];
    even2 += 4.0f * g[2];
    odd2 += 8.0f * g[3];
  }
  if constexpr (S::kResults == 6) {
    even += g[4];
    odd += g[5];
    even2 += 16.0f * g[4];
    odd2 += 32.0f * g[5];
  }
  if constexpr (S::kSide == 8) {
    Lanes16 even3 = g[0] + 0.25f * g[2], odd3 = 0.5f * g[1] + 0.125f * g[3];
    if constexpr (S::kResults == 6) {
      even3 += 0.0625f * g[4];
      odd3 += 0.03125f * g[5];
    }
    out[5] = even3 + odd3;
    out[6] = even3 - odd3;
  }
  out[0] = g[0];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = even2 + odd2;
  out[4] = even2 - odd2;
  out[S::kSide - 1] = g[S::kResults - 1];
}

// G w: taps -> side
template <class S>
[[gnu::always_inline]] inline void transform_weight(const Lanes16* w, Lanes16* out) {
  if constexpr (S::kSide == 5) {
    const Lanes16 a = w[0] + w[2];
    out[0] = 0.5f * w[0];
    out[1] = -0.5f * (a + w[1]);
    out[2] = (-1.0f / 6) * (a - w[1]);
    out[3] = (1.0f / 6) * (w[0] + 2.0f * w[1] + 4.0f * w[2]);
    out[4] = w[2];
    return;
  }
  Lanes16 even = w[0] + w[2], odd = w[1], even2 = w[0] + 4.0f * w[2], odd2 = 2.0f * w[1];
  if constexpr (S::kTaps == 5) {
    even += w[4];
    odd += w[3];
    even2 += 16.0f * w[4];
    odd2 += 8.0f * w[3];
  }
  constexpr float kOne = S::kSide == 6 ? -1.0f / 6 : -2.0f / 9;
  constexpr float kTwo = S::kSide == 6 ? 1.0f / 24 : 1.0f / 90;
  out[0] = (S::kSide == 6 ? 0.25f : 1.0f) * w[0];
  out[1] = kOne * (even + odd);
  out[2] = kOne * (even - odd);
  out[3] = kTwo * (even2 + odd2);
  out[4] = kTwo * (even2 - odd2);
  if constexpr (S::kSide == 8) {
    Lanes16 even3 = 32.0f * w[0] + 8.0f * w[2], odd3 = 16.0f * w[1];
    if constexpr (S::kTaps == 5) {
      even3 += 2.0f * w[4];
      odd3 += 4.0f * w[3];
    }
    out[5] = (1.0f / 45) * (even3 + odd3);
    out[6] = (1.0f / 45) * (even3 - odd3);
  }
  out[S::kSide - 1] = w[S::kTaps - 1];
}

// G^T u: side -> taps, the transpose of transform_weight
template <class S>
[[gnu::always_inline]] inline void transform_weight_gradient(const Lanes16* u, Lanes16* out) {
  if constexpr (S::kSide == 5) {
    const Lanes16 p = 0.5f * u[1], q = (1.0f / 6) * u[2], r = (1.0f / 6) * u[3];
    out[0] = 0.5f * u[0] - p - q + r;
    out[1] = 2.0f * r + q - p;
    out[2] = 4.0f * r - p - q + u[4];
    return;
  }
  constexpr float kOne = S::kSide == 6 ? -1.0f / 6 : -2.0f / 9;
  constexpr float kTwo = S::kSide == 6 ? 1.0f / 24 : 1.0f / 90;
  const Lanes16 p = kOne * (u[1] + u[2]), q = kOne * (u[1] - u[2]);
  const Lanes16 r = kTwo * (u[3] + u[4]), t = kTwo * (u[3] - u[4]);
  out[0] = (S::kSide == 6 ? 0.25f : 1.0f) * u[0] + p + r;
  out[1] = q + 2.0f * t;
  out[2] = p + 4.0f * r;
  if constexpr (S::kTaps == 5) {
    out[3] = q + 8.0f * t;
    out[4] = p + 16.0f * r;
  }
  if constexpr (S::kSide == 8) {
    const Lanes16 v = (8.0f / 45) * (u[5] + u[6]), w = (16.0f / 45) * (u[5] - u[6]);
    out[0] += 4.0f * v;
    out[1] += w;
    out[2] += v;
    if constexpr (S::kTaps == 5) {
      out[3] += 0.25f * w;
      out[4] += 0.25f * v;
    }
  }
  out[S::kTaps - 1] += u[S::kSide - 1];
}

// --- transform of one tile, kFrom x kFrom -> kTo x kTo: lines along one axis, then the other ---
// read(i, lanes) loads and write(i, lanes) stores element i. Both are always inlined, so that few
// vectors are alive at a time.
template <int kFrom, int kTo, void (*kLine)(const Lanes16*, Lanes16*), class Read, class Write>
[[gnu::always_inline]] inline void transform_tile(const Read& read, const Write& write) {
  Lanes16 between[kTo * kFrom];
#pragma GCC unroll 8
  for (int j = 0; j < kFrom; ++j) {
    Lanes16 column[kFrom], result[kTo];
#pragma GCC unroll 8
    for (int i = 0; i < kFrom; ++i) read(i * kFrom + j, column[i]);
    kLine(column, result);
#pragma GCC unroll 8
    for (int i = 0; i < kTo; ++i) between[i * kFrom + j] = result[i];
  }
#pragma GCC unroll 8
  for (int i = 0; i < kTo; ++i) {
    Lanes16 result[kTo];
    kLine(between + i * kFrom, result);
#pragma GCC unroll 8
    for (int j = 0; j < kTo; ++j) write(i * kTo + j, result[j]);
  }
}

}  // namespace d2l::cpu::winograd
