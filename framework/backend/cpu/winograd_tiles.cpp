#include "framework/backend/cpu/winograd_tiles.h"

#include "framework/backend/cpu/parallel.h"

namespace d2l::cpu::winograd {

template <class T>
D2L_SIMD static void read_rows(const TileSource<T>& source, const Tiling& tiling, int64_t first,
                               int64_t count, const Matrices& m, float* rows) {
  const Image<const T>& image = source.image;
  for (int64_t t = 0; t < count; ++t, rows += m.row) {
    const Tiling::Place at = tiling.place(first + t);
    const T* pixels[kPoints];
    for (int i = 0; i < kPoints; ++i)
      pixels[i] = image.pixel(at.image, at.y - source.padding.height + i / kSide,
                              at.x - source.padding.width + i % kSide, source.zeros);
    for (int64_t c = 0; c < image.channels; c += kLanes) {
      transform_tile<kSide, kSide, transform_input>(
          [&](int i, Lanes16& value) D2L_INLINE { load(value, pixels[i] + c); },
          [&](int p, const Lanes16& value) D2L_INLINE { store(value, rows + p * m.step + c); });
    }
  }
}

template <class T>
void read_tiles(const TileSource<T>& source, const Tiling& tiling, int64_t first, int64_t count,
                const Matrices& m, float* rows) {
  read_rows(source, tiling, first, count, m, rows);
}

template void read_tiles(const TileSource<float>&, const Tiling&, int64_t, int64_t, const Matrices&,
                         float*);
template void read_tiles(const TileSource<Bfloat16>&, const Tiling&, int64_t, int64_t,
                         const Matrices&, float*);

}  // namespace d2l::cpu::winograd
