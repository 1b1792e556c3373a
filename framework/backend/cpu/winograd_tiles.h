#pragma once

#include <algorithm>
#include <array>

#include "framework/backend/cpu/direct_convolution.h"
#include "framework/backend/cpu/lanes.h"

// A function object that is inlined wherever it is called.
#define D2L_INLINE __attribute__((always_inline))

// What the Winograd kernels share: how images are cut into tiles, and the transforms of one line of
// a tile for the points 0, 1, -1, 2, -2 and infinity.
namespace d2l::cpu::winograd {

constexpr int kSide = 6, kPoints = kSide * kSide;
constexpr int64_t kLanes = 16;

// The tiles of all images, cut into blocks that are worked on at a time.
struct Tiling {
  Tiling(int64_t images, Extent size, int result_side)
      : side(result_side),
        out(size),
        rows((size.height + side - 1) / side),
        columns((size.width + side - 1) / side),
        count(images * rows * columns) {}

  struct Place {
    int64_t image, y, x;  // of the first result
  };
  Place place(int64_t tile) const {
    const int64_t in_image = tile % (rows * columns);
    return {tile / (rows * columns), in_image / columns * side, in_image % columns * side};
  }

  int side;  // results of a tile, along one axis
  Extent out;
  int64_t rows, columns, count;
};

// Images that are read or written tile by tile.
template <class T>
struct Image {
  T* data;
  Extent size;
  int64_t channels;

  // The pixel's channels; `outside` for a place that does not exist.
  T* pixel(int64_t image, int64_t y, int64_t x, T* outside) const {
    if (y < 0 || y >= size.height || x < 0 || x >= size.width) return outside;
    return data + ((image * size.height + y) * size.width + x) * channels;
  }
};

// Matrices [tile, channel] for each of the 36 points. Steps avoid powers of two, which would put
// the same place of all matrices into one set of the cache.
struct Matrices {
  Matrices(int64_t tiles, int64_t channels)
      : row(channels + kLanes), step(tiles * row + kLanes), size(kPoints * step) {}
  int64_t row, step, size;
};

// Where tiles are read from: `zeros` is a pixel outside of the image.
template <class T>
struct TileSource {
  Image<const T> image;
  Extent padding;
  const T* zeros;
};

// Tiles [first, first + count) become rows of the 36 matrices; T is float or Bfloat16.
template <class T>
void read_tiles(const TileSource<T>& source, const Tiling& tiling, int64_t first, int64_t count,
                const Matrices& m, float* rows);

// --- one line; `in` and `out` have steps ---

// B^T d: 6 -> 6
[[gnu::always_inline]] inline void transform_input(const Lanes16* d, Lanes16* out) {
  const Lanes16 a = d[4] - 4.0f * d[2], b = d[3] - 4.0f * d[1];
  const Lanes16 c = d[4] - d[2], e = 2.0f * (d[3] - d[1]);
  out[0] = 4.0f * d[0] - 5.0f * d[2] + d[4];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + e;
  out[4] = c - e;
  out[5] = 4.0f * d[1] - 5.0f * d[3] + d[5];
}

// A^T m: 6 -> kResults
template <int kResults>
[[gnu::always_inline]] inline void transform_output(const Lanes16* m, Lanes16* out) {
  const Lanes16 p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], t = m[3] - m[4];
  out[0] = m[0] + p + r;
  if constexpr (kResults == 2) {
    out[1] = q + 2.0f * t + m[5];
  } else {
    out[1] = q + 2.0f * t;
    out[2] = p + 4.0f * r;
    out[3] = q + 8.0f * t + m[5];
  }
}

// A g: kResults -> 6, the transpose of the above
template <int kResults>
[[gnu::always_inline]] inline void transform_gradient(const Lanes16* g, Lanes16* out) {
  Lanes16 even = g[0], odd = g[1], even2 = g[0], odd2 = 2.0f * g[1];
  if constexpr (kResults == 4) {
    even += g[2];
    odd += g[3];
    even2 += 4.0f * g[2];
    odd2 += 8.0f * g[3];
  }
  out[0] = g[0];
  out[1] = even + odd;
  out[2] = even - odd;
  out[3] = even2 + odd2;
  out[4] = even2 - odd2;
  out[5] = g[kResults - 1];
}

// G w: kTaps -> 6
template <int kTaps>
[[gnu::always_inline]] inline void transform_weight(const Lanes16* w, Lanes16* out) {
  Lanes16 even = w[0] + w[2], odd = w[1], even2 = w[0] + 4.0f * w[2], odd2 = 2.0f * w[1];
  if constexpr (kTaps == 5) {
    even += w[4];
    odd += w[3];
    even2 += 16.0f * w[4];
    odd2 += 8.0f * w[3];
  }
  out[0] = 0.25f * w[0];
  out[1] = (-1.0f / 6) * (even + odd);
  out[2] = (-1.0f / 6) * (even - odd);
  out[3] = (1.0f / 24) * (even2 + odd2);
  out[4] = (1.0f / 24) * (even2 - odd2);
  out[5] = w[kTaps - 1];
}

// G^T u: 6 -> kTaps, the transpose of the above
template <int kTaps>
[[gnu::always_inline]] inline void transform_weight_gradient(const Lanes16* u, Lanes16* out) {
  const Lanes16 p = (-1.0f / 6) * (u[1] + u[2]), q = (-1.0f / 6) * (u[1] - u[2]);
  const Lanes16 r = (1.0f / 24) * (u[3] + u[4]), t = (1.0f / 24) * (u[3] - u[4]);
  out[0] = 0.25f * u[0] + p + r;
  out[1] = q + 2.0f * t;
  out[2] = p + 4.0f * r;
  if constexpr (kTaps == 5) {
    out[3] = q + 8.0f * t;
    out[4] = p + 16.0f * r + u[5];
  } else {
    out[2] += u[5];
  }
}

// --- one tile: lines along one axis, then along the other; kFrom x kFrom -> kTo x kTo ---
// read(i, lanes) and write(i, lanes) fetch and take element i; both are always inlined, so that few
// vectors are alive at a time.
template <int kFrom, int kTo, void (*kLine)(const Lanes16*, Lanes16*), class Read, class Write>
[[gnu::always_inline]] inline void transform_tile(const Read& read, const Write& write) {
  Lanes16 between[kTo * kFrom];
#pragma GCC unroll 6
  for (int j = 0; j < kFrom; ++j) {
    Lanes16 column[kFrom], result[kTo];
#pragma GCC unroll 6
    for (int i = 0; i < kFrom; ++i) read(i * kFrom + j, column[i]);
    kLine(column, result);
#pragma GCC unroll 6
    for (int i = 0; i < kTo; ++i) between[i * kFrom + j] = result[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTo; ++i) {
    Lanes16 result[kTo];
    kLine(between + i * kFrom, result);
#pragma GCC unroll 6
    for (int j = 0; j < kTo; ++j) write(i * kTo + j, result[j]);
  }
}

}  // namespace d2l::cpu::winograd
