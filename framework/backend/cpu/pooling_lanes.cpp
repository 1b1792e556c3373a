#include <algorithm>

#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"
#include "framework/backend/cpu/pooling.h"

// Inner loops run over the channels of a pixel. The gradient iterates over input pixels and gathers
// from the windows that contain each pixel, so that every pixel is written once.

namespace d2l::cpu {
namespace {

constexpr int64_t kLanes = 16;

// The outputs [begin, end) whose windows contain input position i.
struct WindowRange {
  int64_t begin, end;
};

[[gnu::always_inline]] inline WindowRange windows_of(int64_t i, int64_t stride, int64_t padding,
                                                     int64_t window, int64_t outputs) {
  const int64_t last = (i + padding) / stride, first = i + padding - window + stride;
  return {first <= 0 ? 0 : first / stride, last + 1 < outputs ? last + 1 : outputs};
}

// The maximum of one window so far, per channel. The loops use plain arrays: GCC 12 compares
// vectors of 64 bytes element by element, but vectorises these loops.
struct Found {
  float* __restrict best;
  int32_t* __restrict where;
};

template <class T>
[[gnu::always_inline]] inline void take_first(const T* pixel, int64_t channels, int32_t position,
                                              const Found& found) {
  float* __restrict best = found.best;
  int32_t* __restrict where = found.where;
  for (int64_t c = 0; c < channels; ++c) {
    best[c] = static_cast<float>(pixel[c]);
    where[c] = position;
  }
}

template <class T>
[[gnu::always_inline]] inline void take_larger(const T* pixel, int64_t channels, int32_t position,
                                               const Found& found) {
  float* __restrict best = found.best;
  int32_t* __restrict where = found.where;
  for (int64_t c = 0; c < channels; ++c) {
    const float value = static_cast<float>(pixel[c]);
    const bool wins = value > best[c] || value != value;  // NaN wins, as in PyTorch
    best[c] = wins ? value : best[c];
    where[c] = wins ? position : where[c];
  }
}

// One row of results; `rows` points to the first row inside the windows.
template <class T>
D2L_SIMD void largest_row(const PoolGeometry& g, const PoolRange& range, const T* rows, T* out,
                          uint8_t* winners, const Found& found) {
  const int64_t channels = g.channels;
  for (int64_t ox = 0; ox < g.out_width; ++ox, out += channels) {
    const PoolRange columns = columns_of(g, ox);
    const int64_t first = range.skipped * g.params.window.width + columns.skipped;
    const T* corner = rows + columns.begin * channels;
    take_first(corner, channels, static_cast<int32_t>(first), found);
    for (int64_t r = 0; r < range.end - range.begin; ++r) {
      const T* pixel = corner + r * g.row();
      int32_t position = static_cast<int32_t>(first + r * g.params.window.width);
      for (int64_t ix = columns.begin; ix < columns.end; ++ix, ++position, pixel += channels)
        take_larger(pixel, channels, position, found);
    }
    for (int64_t c = 0; c < channels; ++c) out[c] = static_cast<T>(found.best[c]);
    if (winners == nullptr) continue;
    uint8_t* won = winners + ox * channels;
    for (int64_t c = 0; c < channels; ++c) won[c] = static_cast<uint8_t>(found.where[c]);
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

// One row of the input's gradient; grad_y and winners are those of its image. Average pooling has
// no winners.
template <class T>
D2L_SIMD void gather_row(const PoolGeometry& g, int64_t iy, const T* grad_y, const uint8_t* winners,
                         T* __restrict grad_x, float* __restrict sum) {
  const Pool2dParams& p = g.params;
  const int64_t channels = g.channels;
  const float scale =
      winners != nullptr ? 1.0f : 1.0f / static_cast<float>(p.window.height * p.window.width);
  const WindowRange rows =
      windows_of(iy, p.stride.height, p.padding.height, p.window.height, g.out_height);
  for (int64_t ix = 0; ix < g.width; ++ix, grad_x += channels) {
    const WindowRange columns =
        windows_of(ix, p.stride.width, p.padding.width, p.window.width, g.out_width);
    for (int64_t c = 0; c < channels; ++c) sum[c] = 0.0f;
    for (int64_t oy = rows.begin; oy < rows.end; ++oy) {
      const int64_t row = iy - oy * p.stride.height + p.padding.height;
      for (int64_t ox = columns.begin; ox < columns.end; ++ox) {
        const T* grad = grad_y + oy * g.out_row() + ox * channels;
        if (winners == nullptr) {
          for (int64_t c = 0; c < channels; ++c) sum[c] += static_cast<float>(grad[c]);
          continue;
        }
        const int64_t column = ix - ox * p.stride.width + p.padding.width;
        const auto position = static_cast<int32_t>(row * p.window.width + column);
        const uint8_t* won = winners + (grad - grad_y);
        for (int64_t c = 0; c < channels; ++c)
          sum[c] += static_cast<int32_t>(won[c]) == position ? static_cast<float>(grad[c]) : 0.0f;
      }
    }
    for (int64_t c = 0; c < channels; ++c) grad_x[c] = static_cast<T>(sum[c] * scale);
  }
}

// Enough rows per piece of work to justify a thread.
int64_t grain_of(int64_t elements) {
  return std::max<int64_t>(1, (int64_t{1} << 14) / std::max<int64_t>(1, elements));
}

}  // namespace

// Averages of only 16 channels are short loops, for which pooling.cpp is faster.
bool pool_lanes_suit(const PoolGeometry& g) {
  return g.channels % kLanes == 0 && (g.params.kind == Pooling::max || g.channels > kLanes);
}

template <class T>
void pool_lanes(const PoolGeometry& g, MemoryPool& pool, const T* x, T* y, uint8_t* winners) {
  PerThread<float> best(pool, g.channels);
  PerThread<int32_t> where(pool, g.channels);
  parallel_for(g.images * g.out_height, grain_of(g.row()), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const PoolRange range = rows_of(g, i % g.out_height);
      const T* rows = x + i / g.out_height * g.image() + range.begin * g.row();
      T* out = y + i * g.out_row();
      if (g.params.kind == Pooling::average)
        average_row(g, range, rows, out);
      else
        largest_row(g, range, rows, out, winners == nullptr ? nullptr : winners + i * g.out_row(),
                    Found{best.mine(), where.mine()});
    }
  });
}

template <class T>
void pool_lanes_backward(const PoolGeometry& g, MemoryPool& pool, const T* grad_y,
                         const uint8_t* winners, T* grad_x) {
  PerThread<float> sum(pool, g.channels);
  const bool averaged = g.params.kind == Pooling::average;
  parallel_for(g.images * g.height, grain_of(g.row()), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t image = i / g.height * g.out_image();
      gather_row(g, i % g.height, grad_y + image, averaged ? nullptr : winners + image,
                 grad_x + i * g.row(), sum.mine());
    }
  });
}

template void pool_lanes(const PoolGeometry&, MemoryPool&, const float*, float*, uint8_t*);
template void pool_lanes(const PoolGeometry&, MemoryPool&, const Bfloat16*, Bfloat16*, uint8_t*);
template void pool_lanes_backward(const PoolGeometry&, MemoryPool&, const float*, const uint8_t*,
                                  float*);
template void pool_lanes_backward(const PoolGeometry&, MemoryPool&, const Bfloat16*, const uint8_t*,
                                  Bfloat16*);

}  // namespace d2l::cpu
