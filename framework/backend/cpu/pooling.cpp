#include "framework/backend/cpu/pooling.h"

#include <algorithm>
#include <cstring>

#include "framework/backend/cpu/activate.h"
#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"

// Pooling is bound by memory and by short inner loops: oneDNN 2.6 is fast only with blocked
// channels. Here channels are processed 8 lanes at a time. If their number is not a multiple of 8,
// the last vector of a pixel extends into the next pixel, which then overwrites the extra lanes (or
// the extra lanes add zeros). Rows therefore pass through scratch memory with spare elements at the
// end; so do rows of bf16, which are converted to floats there. The gradients of windows that do
// not overlap are stored without a read of the old value, since such a read would wait for the
// previous store, unless the last vector would overwrite channels that are already stored.

namespace d2l::cpu {
namespace {

constexpr int64_t kLanes = 8;
using Geometry = PoolGeometry;
using Range = PoolRange;

bool whole_lanes(const Geometry& g) { return g.channels % kLanes == 0; }
bool may_store(const Geometry& g) { return whole_lanes(g) || g.channels < kLanes; }

// sum[i] = the sum of rows[i], rows[step + i], ...
template <class T>
D2L_SIMD void add_rows(const T* rows, int64_t count, int64_t step, float* sum) {
  if (count == 2) {
    for (int64_t i = 0; i < step; ++i)
      sum[i] = static_cast<float>(rows[i]) + static_cast<float>(rows[step + i]);
    return;
  }
  for (int64_t i = 0; i < step; ++i) sum[i] = count > 0 ? static_cast<float>(rows[i]) : 0.0f;
  for (int64_t r = 1; r < count; ++r)
    for (int64_t i = 0; i < step; ++i) sum[i] += static_cast<float>(rows[r * step + i]);
}

D2L_SIMD void average_pairs(const Geometry& g, const float* row, float scale, float* out) {
  int64_t channels = g.channels;
  for (int64_t ox = 0; ox < g.out_width; ++ox, row += 2 * channels, out += channels)
    for (int64_t c = 0; c < channels; c += kLanes) {
      Lanes8 left, right;
      load(left, row + c), load(right, row + channels + c);
      left = (left + right) * scale;
      store(left, out + c);
    }
}

D2L_SIMD void spread_pairs(const Geometry& g, const float* grad, float scale, float* row) {
  int64_t channels = g.channels;
  float* to = row;
  for (int64_t ox = 0; ox < g.out_width; ++ox, grad += channels)
    for (int64_t pixel = 0; pixel < 2; ++pixel, to += channels)
      for (int64_t c = 0; c < channels; c += kLanes) {
        Lanes8 value;
        load(value, grad + c);
        value *= scale;
        store(value, to + c);
      }
  for (int64_t i = 2 * g.out_row(); i < g.row(); ++i) row[i] = 0.0f;
}

// out[ox, c] = scale * sum of row[ix, c] over the window.
D2L_SIMD void average_columns(const Geometry& g, const float* row, float scale, float* out) {
  if (g.pairs()) return average_pairs(g, row, scale, out);
  for (int64_t ox = 0; ox < g.out_width; ++ox) {
    Range columns = columns_of(g, ox);
    for (int64_t c = 0; c < g.channels; c += kLanes) {
      Lanes8 sum{};
      for (int64_t ix = columns.begin; ix < columns.end; ++ix) {
        Lanes8 value;
        load(value, row + ix * g.channels + c);
        sum += value;
      }
      sum *= scale;
      store(sum, out + ox * g.channels + c);
    }
  }
}

// Sets the lanes after the last channel to 0.
[[gnu::always_inline]] inline void clear_beyond(int64_t channels_left, Lanes8& lanes) {
  if (channels_left >= kLanes) return;
  Lanes8i index{0, 1, 2, 3, 4, 5, 6, 7};
  lanes = index < static_cast<int32_t>(channels_left) ? lanes : Lanes8{};
}

// row[ix, c] = scale * sum of grad[ox, c] over the windows that contain ix.
D2L_SIMD void spread_columns(const Geometry& g, const float* grad, float scale, float* row) {
  if (g.pairs()) return spread_pairs(g, grad, scale, row);
  bool disjoint = g.disjoint_columns() && may_store(g);
  for (int64_t i = 0; i < g.row(); ++i) row[i] = 0.0f;
  for (int64_t ox = 0; ox < g.out_width; ++ox) {
    Range columns = columns_of(g, ox);
    for (int64_t c = 0; c < g.channels; c += kLanes) {
      Lanes8 value;
      load(value, grad + ox * g.channels + c);
      value *= scale;
      clear_beyond(g.channels - c, value);
      for (int64_t ix = columns.begin; ix < columns.end; ++ix) {
        Lanes8 sum{};
        if (!disjoint) load(sum, row + ix * g.channels + c);
        sum += value;
        store(sum, row + ix * g.channels + c);
      }
    }
  }
}

D2L_SIMD void add_row(const float* row, int64_t count, float* sum) {
  for (int64_t i = 0; i < count; ++i) sum[i] += row[i];
}

// rows points at the first row inside the window.
D2L_SIMD void largest_columns(const Geometry& g, const float* rows, const Range& range, float* out,
                              uint8_t* winners) {
  for (int64_t ox = 0; ox < g.out_width; ++ox) {
    Range columns = columns_of(g, ox);
    for (int64_t c = 0; c < g.channels; c += kLanes) {
      Lanes8 best;
      load(best, rows + columns.begin * g.channels + c);
      Lanes8i where =
          Lanes8i{} + static_cast<int32_t>(range.skipped * g.params.window.width + columns.skipped);
      for (int64_t r = 0; r < range.end - range.begin; ++r) {
        int64_t position = (range.skipped + r) * g.params.window.width + columns.skipped;
        for (int64_t ix = columns.begin; ix < columns.end; ++ix, ++position) {
          Lanes8 value;
          load(value, rows + r * g.row() + ix * g.channels + c);
          auto wins = (value > best) | (value != value);  // NaN wins, as in PyTorch
          best = wins ? value : best;
          where = wins ? Lanes8i{} + static_cast<int32_t>(position) : where;
        }
      }
      store(best, out + ox * g.channels + c);
      if (winners != nullptr) {
        auto bytes = __builtin_convertvector(where, uint8_t __attribute__((vector_size(8))));
        std::memcpy(winners + ox * g.channels + c, &bytes, sizeof bytes);
      }
    }
  }
}

// Adds each gradient of an output row to the pixel that was the maximum; `rows` as above. Row by
// row, because vectors that extend past the end of a row touch the next one.
D2L_SIMD void return_to_winners(const Geometry& g, const Range& range, const float* grad,
                                const uint8_t* winners, float* rows) {
  bool disjoint = g.disjoint() && may_store(g);
  for (int64_t r = 0; r < range.end - range.begin; ++r)
    for (int64_t ox = 0; ox < g.out_width; ++ox) {
      Range columns = columns_of(g, ox);
      for (int64_t c = 0; c < g.channels; c += kLanes) {
        Lanes8 value;
        load(value, grad + ox * g.channels + c);
        clear_beyond(g.channels - c, value);
        uint8_t __attribute__((vector_size(8))) bytes;
        std::memcpy(&bytes, winners + ox * g.channels + c, sizeof bytes);
        Lanes8i where = __builtin_convertvector(bytes, Lanes8i);
        int64_t position = (range.skipped + r) * g.params.window.width + columns.skipped;
        for (int64_t ix = columns.begin; ix < columns.end; ++ix, ++position) {
          float* at = rows + r * g.row() + ix * g.channels + c;
          Lanes8 sum{};
          if (!disjoint) load(sum, at);
          sum += where == static_cast<int32_t>(position) ? value : Lanes8{};
          store(sum, at);
        }
      }
    }
}

template <class T>
void copy_elements(const T* from, int64_t count, T* to) {
  std::memcpy(to, from, static_cast<size_t>(count) * sizeof(T));
}
void copy_elements(const Bfloat16* from, int64_t count, float* to) { convert(from, count, to); }
void copy_elements(const float* from, int64_t count, Bfloat16* to) { convert(from, count, to); }

// Whether vectors of floats can be read and written without scratch memory.
template <class T>
bool in_place(const Geometry& g) {
  return std::is_same_v<T, float> && whole_lanes(g);
}
// Returns `elements` if `direct` and T is float, else `memory`.
template <class T>
auto* place(T* elements, [[maybe_unused]] float* memory, [[maybe_unused]] bool direct) {
  if constexpr (std::is_same_v<std::remove_const_t<T>, float>)
    return direct ? elements : static_cast<T*>(memory);
  else
    return memory;
}

// Enough rows per piece of work to justify a thread.
int64_t grain_of(int64_t elements_per_unit) {
  return std::max<int64_t>(1, (int64_t{1} << 13) / std::max<int64_t>(1, elements_per_unit));
}

template <class T>
void average_forward(const Geometry& g, MemoryPool& pool, const T* x, T* y) {
  const bool direct = in_place<T>(g);
  PerThread<float> sums(pool, g.row()), results(pool, g.out_row());
  float scale = 1.0f / static_cast<float>(g.params.window.height * g.params.window.width);
  parallel_for(g.images * g.out_height, grain_of(g.row()), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Range range = rows_of(g, i % g.out_height);
      const T* rows = x + i / g.out_height * g.image() + range.begin * g.row();
      T* out = y + i * g.out_row();
      add_rows(rows, range.end - range.begin, g.row(), sums.mine());
      float* result = place(out, results.mine(), direct);
      average_columns(g, sums.mine(), scale, result);
      if (!direct) copy_elements(result, g.out_row(), out);
    }
  });
}

template <class T>
void largest_forward(const Geometry& g, MemoryPool& pool, const T* x, T* y, uint8_t* winners) {
  const bool direct = in_place<T>(g);
  PerThread<float> inputs(pool, g.row() * g.params.window.height), results(pool, g.out_row());
  PerThread<uint8_t> positions(pool, g.out_row());
  parallel_for(g.images * g.out_height, grain_of(g.row()), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Range range = rows_of(g, i % g.out_height);
      const T* rows = x + i / g.out_height * g.image() + range.begin * g.row();
      T* out = y + i * g.out_row();
      uint8_t* won = winners == nullptr ? nullptr : winners + i * g.out_row();
      if (direct) {
        largest_columns(g, place(rows, nullptr, true), range, place(out, nullptr, true), won);
        continue;
      }
      copy_elements(rows, (range.end - range.begin) * g.row(), inputs.mine());
      largest_columns(g, inputs.mine(), range, results.mine(), won ? positions.mine() : nullptr);
      copy_elements(results.mine(), g.out_row(), out);
      if (won) copy_elements(positions.mine(), g.out_row(), won);
    }
  });
}

// The activation before the pooling, with its result y. Its derivative is applied to each image
// while it is in the cache.
template <class T>
struct PooledActivation {
  Activation kind = Activation::none;
  const T* y = nullptr;
};

// A row of the image is stored by the first window that contains it; later windows add to it.
template <class T>
void average_backward(const Geometry& g, MemoryPool& pool, const T* grad_y, T* grad_x,
                      const PooledActivation<T>& activation) {
  constexpr bool kFloats = std::is_same_v<T, float>;
  PerThread<float> spread(pool, g.row()), inputs(pool, g.out_row());
  PerThread<float> images(pool, kFloats ? 0 : g.image());
  float scale = 1.0f / static_cast<float>(g.params.window.height * g.params.window.width);
  parallel_for(g.images, grain_of(g.image()), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      T* out = grad_x + n * g.image();
      float* image = place(out, images.mine(), true);
      int64_t filled = 0;
      auto fill_to = [&](int64_t row) {
        for (; filled < row; ++filled)
          std::fill(image + filled * g.row(), image + (filled + 1) * g.row(), 0.0f);
      };
      for (int64_t oy = 0; oy < g.out_height; ++oy) {
        Range range = rows_of(g, oy);
        const T* grad = grad_y + (n * g.out_height + oy) * g.out_row();
        const bool direct = in_place<T>(g);
        if (!direct) copy_elements(grad, g.out_row(), inputs.mine());
        spread_columns(g, place(grad, inputs.mine(), direct), scale, spread.mine());
        fill_to(range.begin);
        for (int64_t iy = range.begin; iy < range.end; ++iy) {
          float* row = image + iy * g.row();
          if (iy < filled) {
            add_row(spread.mine(), g.row(), row);
          } else {
            copy_elements(spread.mine(), g.row(), row);
            filled = iy + 1;
          }
        }
      }
      fill_to(g.height);
      activate_gradient(activation.kind, activation.y + n * g.image(), image, g.image());
      if (!kFloats) copy_elements(image, g.image(), out);
    }
  });
}

template <class T>
void largest_backward(const Geometry& g, MemoryPool& pool, const T* grad_y, const uint8_t* winners,
                      T* grad_x, const PooledActivation<T>& activation) {
  const bool direct = in_place<T>(g);
  PerThread<float> images(pool, direct ? 0 : g.image()), inputs(pool, g.out_row());
  PerThread<uint8_t> positions(pool, g.out_row());
  parallel_for(g.images, grain_of(g.image()), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      T* out = grad_x + n * g.image();
      float* image = place(out, images.mine(), direct);
      std::fill(image, image + g.image() + (direct ? 0 : kLanes), 0.0f);
      for (int64_t oy = 0; oy < g.out_height; ++oy) {
        Range range = rows_of(g, oy);
        int64_t at = (n * g.out_height + oy) * g.out_row();
        const uint8_t* won = winners + at;
        if (!direct) {
          copy_elements(grad_y + at, g.out_row(), inputs.mine());
          copy_elements(won, g.out_row(), positions.mine());
          won = positions.mine();
        }
        return_to_winners(g, range, place(grad_y + at, inputs.mine(), direct), won,
                          image + range.begin * g.row());
      }
      activate_gradient(activation.kind, activation.y + n * g.image(), image, g.image());
      if (!direct) copy_elements(image, g.image(), out);
    }
  });
}

// y is the result of the activation before the pooling, or {}.
void pool_backward(const ConvPoolParams& params, MemoryPool& pool, ConstView y, ConstView grad_y,
                   ConstView winners, View grad_x) {
  Geometry g(params.pool, grad_x.shape, grad_y.shape);
  visit_float(grad_x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const PooledActivation<T> activation{params.conv.activation, y.as<T>()};
    if (params.pool.kind == Pooling::average)
      average_backward(g, pool, grad_y.as<T>(), grad_x.as<T>(), activation);
    else
      largest_backward(g, pool, grad_y.as<T>(), winners.as<uint8_t>(), grad_x.as<T>(), activation);
  });
}

}  // namespace

void CpuBackend::do_pool2d(const Pool2dParams& params, ConstView x, View y, View winners) {
  if (y.elements() == 0) return;
  Geometry g(params, x.shape, y.shape);
  if (pool_lanes_suit(g))
    return visit_float(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      pool_lanes(g, pool_, x.as<T>(), y.as<T>(), winners.as<uint8_t>());
    });
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (params.kind == Pooling::average)
      average_forward(g, pool_, x.as<T>(), y.as<T>());
    else
      largest_forward(g, pool_, x.as<T>(), y.as<T>(), winners.as<uint8_t>());
  });
}

void CpuBackend::do_pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                                    View grad_x) {
  if (grad_x.elements() == 0) return;
  Geometry g(params, grad_x.shape, grad_y.shape);
  if (pool_lanes_suit(g))
    return visit_float(grad_x.dtype, [&](auto zero) {
      using T = decltype(zero);
      pool_lanes_backward(g, pool_, grad_y.as<T>(), winners.as<uint8_t>(), grad_x.as<T>());
    });
  pool_backward({{}, params}, pool_, {}, grad_y, winners, grad_x);
}

void CpuBackend::do_activated_pool2d_backward(const ConvPoolParams& params, ConstView y,
                                              ConstView grad_y, ConstView winners, View grad_x) {
  if (grad_x.elements() == 0) return;
  if (pool_lanes_suit(Geometry(params.pool, grad_x.shape, grad_y.shape)))
    return Backend::do_activated_pool2d_backward(params, y, grad_y, winners, grad_x);
  pool_backward(params, pool_, y, grad_y, winners, grad_x);
}

}  // namespace d2l::cpu
