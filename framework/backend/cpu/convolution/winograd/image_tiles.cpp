#include "framework/backend/cpu/convolution/winograd/image_tiles.h"

#include <span>

#include "framework/backend/cpu/parallel.h"

namespace d2l::cpu::winograd {

template <class T, class S>
D2L_SIMD static void read_rows(S, const TileSource<T>& source, const Tiling& tiling, int64_t first,
                               const Matrices& m, std::span<float> rows) {
  const Image<const T>& image = source.image;
  for (float* row = rows.data(); row < rows.data() + rows.size(); ++first, row += m.row) {
    const Tiling::TilePosition at = tiling.position(first);
    const T* pixels[S::kPoints];
    image.template find_pixels<S::kSide>(at.image, at.y - source.padding.height,
                                         at.x - source.padding.width, source.zeros, pixels);
    for (int64_t c = 0; c < image.channels; c += kLanes)
      transform_tile<S::kSide, S::kSide, transform_input<S>>(
          [&](int i, Lanes16& value) D2L_INLINE { load(value, pixels[i] + c); },
          [&](int p, const Lanes16& value) D2L_INLINE { store(value, row + p * m.step + c); });
  }
}

template <class T>
void read_tiles(const TileSource<T>& source, const Tiling& tiling, int64_t first, int64_t count,
                const Matrices& m, float* rows) {
  const std::span<float> all(rows, static_cast<size_t>(count * m.row));
  visit_scheme(tiling, [&](auto scheme) { read_rows(scheme, source, tiling, first, m, all); });
}

template void read_tiles(const TileSource<float>&, const Tiling&, int64_t, int64_t, const Matrices&,
                         float*);
template void read_tiles(const TileSource<Bfloat16>&, const Tiling&, int64_t, int64_t,
                         const Matrices&, float*);

}  // namespace d2l::cpu::winograd
