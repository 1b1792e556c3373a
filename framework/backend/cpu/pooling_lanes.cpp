#include <algorithm>

#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/pooling.h"

// Vectors hold 16 channels of a pixel. The gradient goes through the pixels of the input and
// gathers from the windows that hold each, so that every pixel is written once.

namespace d2l::cpu {
namespace {

constexpr int64_t kLanes = 16;
using Bytes16 = uint8_t __attribute__((vector_size(16)));

// The outputs whose windows hold input position i: [begin, end).
struct Holders {
  int64_t begin, end;
};

[[gnu::always_inline]] inline Holders holders_of(int64_t i, int64_t stride, int64_t padding,
                                                 int64_t window, int64_t outputs) {
  const int64_t last = (i + padding) / stride, first = i + padding - window + stride;
  return {first <= 0 ? 0 : first / stride, last + 1 < outputs ? last + 1 : outputs};
}

// One row of results; rows points at the first row inside the windows.
template <class T>
D2L_SIMD void largest_row(const PoolGeometry& g, const PoolRange& range, const T* rows, T* out,
                          uint8_t* winners) {
  for (int64_t ox = 0; ox < g.out_width; ++ox, out += g.channels) {
    const PoolRange columns = columns_of(g, ox);
    const int64_t first = range.skipped * g.params.window.width + columns.skipped;
    for (int64_t c = 0; c < g.channels; c += kLanes) {
      Lanes16 best;
      load(best, rows + columns.begin * g.channels + c);
      Lanes16i where = Lanes16i{} + static_cast<int32_t>(first);
      for (int64_t r = 0; r < range.end - range.begin; ++r) {
        const T* row = rows + r * g.row() + c;
        int32_t position = static_cast<int32_t>(first + r * g.params.window.width);
        for (int64_t ix = columns.begin; ix < columns.end; ++ix, ++position) {
          Lanes16 value;
          load(value, row + ix * g.channels);
          const auto wins = (value > best) | (value != value);  // NaN wins, as in PyTorch
          best = wins ? value : best;
          where = wins ? Lanes16i{} + position : where;
        }
      }
      store(best, out + c);
      if (winners == nullptr) continue;
      const Bytes16 bytes = __builtin_convertvector(where, Bytes16);
      std::memcpy(winners + ox * g.channels + c, &bytes, sizeof bytes);
    }
  }
}

template <class T>
D2L_SIMD void average_row(const PoolGeometry& g, const PoolRange& range, const T* rows, T* out) {
  const float scale = 1.0f / static_cast<float>(g.params.window.height * g.params.window.width);
  for (int64_t ox = 0; ox < g.out_width; ++ox, out += g.channels) {
    const PoolRange columns = columns_of(g, ox);
    for (int64_t c = 0; c < g.channels; c += kLanes) {
      Lanes16 sum{};
      for (int64_t r = 0; r < range.end - range.begin; ++r)
        for (int64_t ix = columns.begin; ix < columns.end; ++ix) {
          Lanes16 value;
          load(value, rows + r * g.row() + ix * g.channels + c);
          sum += value;
        }
      store(Lanes16(sum * scale), out + c);
    }
  }
}

// One row of the input's gradient; grad_y and winners are those of its image. Without winners the
// windows were averaged.
template <class T>
D2L_SIMD void gather_row(const PoolGeometry& g, int64_t iy, const T* grad_y, const uint8_t* winners,
                         T* grad_x) {
  const Pool2dParams& p = g.params;
  const float scale =
      winners != nullptr ? 1.0f : 1.0f / static_cast<float>(p.window.height * p.window.width);
  const Holders rows =
      holders_of(iy, p.stride.height, p.padding.height, p.window.height, g.out_height);
  for (int64_t ix = 0; ix < g.width; ++ix, grad_x += g.channels) {
    const Holders columns =
        holders_of(ix, p.stride.width, p.padding.width, p.window.width, g.out_width);
    for (int64_t c = 0; c < g.channels; c += kLanes) {
      Lanes16 sum{};
      for (int64_t oy = rows.begin; oy < rows.end; ++oy) {
        const int64_t row = iy - oy * p.stride.height + p.padding.height;
        for (int64_t ox = columns.begin; ox < columns.end; ++ox) {
          const int64_t at = oy * g.out_row() + ox * g.channels + c;
          Lanes16 value;
          load(value, grad_y + at);
          if (winners != nullptr) {
            const int64_t column = ix - ox * p.stride.width + p.padding.width;
            Bytes16 bytes;
            std::memcpy(&bytes, winners + at, sizeof bytes);
            const Lanes16i where = __builtin_convertvector(bytes, Lanes16i);
            value =
                where == static_cast<int32_t>(row * p.window.width + column) ? value : Lanes16{};
          }
          sum += value;
        }
      }
      store(Lanes16(sum * scale), grad_x + c);
    }
  }
}

// Enough rows for a piece of work that is worth a thread.
int64_t grain_of(int64_t elements) {
  return std::max<int64_t>(1, (int64_t{1} << 14) / std::max<int64_t>(1, elements));
}

}  // namespace

bool pool_lanes_suit(const PoolGeometry& g) { return g.channels % kLanes == 0; }

template <class T>
void pool_lanes(const PoolGeometry& g, const T* x, T* y, uint8_t* winners) {
  parallel_for(g.images * g.out_height, grain_of(g.row()), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const PoolRange range = rows_of(g, i % g.out_height);
      const T* rows = x + i / g.out_height * g.image() + range.begin * g.row();
      T* out = y + i * g.out_row();
      if (g.params.kind == Pooling::average)
        average_row(g, range, rows, out);
      else
        largest_row(g, range, rows, out, winners == nullptr ? nullptr : winners + i * g.out_row());
    }
  });
}

template <class T>
void pool_lanes_backward(const PoolGeometry& g, const T* grad_y, const uint8_t* winners,
                         T* grad_x) {
  const bool averaged = g.params.kind == Pooling::average;
  parallel_for(g.images * g.height, grain_of(g.row()), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / g.height * g.out_image();
      gather_row(g, i % g.height, grad_y + image, averaged ? nullptr : winners + image,
                 grad_x + i * g.row());
    }
  });
}

template void pool_lanes(const PoolGeometry&, const float*, float*, uint8_t*);
template void pool_lanes(const PoolGeometry&, const bfloat16*, bfloat16*, uint8_t*);
template void pool_lanes_backward(const PoolGeometry&, const float*, const uint8_t*, float*);
template void pool_lanes_backward(const PoolGeometry&, const bfloat16*, const uint8_t*, bfloat16*);

}  // namespace d2l::cpu
