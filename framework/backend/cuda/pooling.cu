#include <cmath>

#include "framework/backend/cuda/channel_packs.h"
#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"

// A thread computes a pack of channels of one pixel: of the result, or of the input's gradient,
// which gathers from the windows that contain the pixel. Pixels shared by windows come from the
// cache.

namespace d2l::cuda {
namespace {

struct Range {
  int begin, end;
};

// The windows along one axis of an image.
struct Axis {
  int size, outputs, window, stride, padding;

  __device__ int first(int out) const { return out * stride - padding; }
  // The part of a window inside the image.
  __device__ Range inside(int out) const {
    const int begin = first(out), end = begin + window;
    return {begin < 0 ? 0 : begin, end < size ? end : size};
  }
  // The windows that contain a position.
  __device__ Range windows_of(int at) const {
    const int end = (at + padding) / stride + 1, begin = at + padding - window + stride;
    return {begin <= 0 ? 0 : begin / stride, end < outputs ? end : outputs};
  }
};

struct Geometry {
  Axis rows, columns;
  int64_t channels;

  Geometry(const Pool2dParams& p, const Shape& x, const Shape& y)
      : rows(axis(x[1], y[1], p.window.height, p.stride.height, p.padding.height)),
        columns(axis(x[2], y[2], p.window.width, p.stride.width, p.padding.width)),
        channels(x[3]) {}

  static Axis axis(int64_t size, int64_t outputs, int64_t window, int64_t stride, int64_t padding) {
    return {static_cast<int>(size), static_cast<int>(outputs), static_cast<int>(window),
            static_cast<int>(stride), static_cast<int>(padding)};
  }
  float share() const {
    return 1.0f / (static_cast<float>(rows.window) * static_cast<float>(columns.window));
  }
};

// The position of pack i in images [n, height, width, packs * kPack].
struct PackPosition {
  int64_t image, channel;
  int row, column;

  __device__ PackPosition(int64_t i, int height, int width, int64_t channels, int pack) {
    const int64_t packs = channels / pack, pixel = i / packs, line = pixel / width;
    channel = (i - pixel * packs) * pack;
    column = static_cast<int>(pixel - line * width);
    image = line / height;
    row = static_cast<int>(line - image * height);
  }
};

template <class T, int kPack>
struct Largest {
  Geometry g;
  const T* x;
  T* y;
  uint8_t* winners;  // may be null

  __device__ void operator()(int64_t i) const {
    const PackPosition at(i, g.rows.outputs, g.columns.outputs, g.channels, kPack);
    const Range rows = g.rows.inside(at.row), columns = g.columns.inside(at.column);
    const int top = g.rows.first(at.row), left = g.columns.first(at.column);
    float best[kPack];
    int where[kPack];
    for (int p = 0; p < kPack; ++p) {
      best[p] = -INFINITY;
      where[p] = (rows.begin - top) * g.columns.window + columns.begin - left;
    }
    for (int row = rows.begin; row < rows.end; ++row) {
      const T* pixel =
          x + at.channel +
          ((at.image * g.rows.size + row) * g.columns.size + columns.begin) * g.channels;
      int position = (row - top) * g.columns.window + columns.begin - left;
      for (int column = columns.begin; column < columns.end; ++column, ++position) {
        const Pack<T, kPack> values = load_pack<kPack>(pixel);
        pixel += g.channels;
        for (int p = 0; p < kPack; ++p) {
          const float value = static_cast<float>(values.at[p]);
          const bool wins = value > best[p] || value != value;  // NaN wins
          best[p] = wins ? value : best[p];
          where[p] = wins ? position : where[p];
        }
      }
    }
    write(i, best, where);
  }

  __device__ void write(int64_t i, const float (&best)[kPack], const int (&where)[kPack]) const {
    Pack<T, kPack> result;
    Pack<uint8_t, kPack> positions;
    for (int p = 0; p < kPack; ++p) {
      result.at[p] = static_cast<T>(best[p]);
      positions.at[p] = static_cast<uint8_t>(where[p]);
    }
    store_pack(result, y + i * kPack);
    if (winners != nullptr) store_pack(positions, winners + i * kPack);
  }
};

template <class T, int kPack>
struct Average {
  Geometry g;
  const T* x;
  T* y;
  float share;

  __device__ void operator()(int64_t i) const {
    const PackPosition at(i, g.rows.outputs, g.columns.outputs, g.channels, kPack);
    const Range rows = g.rows.inside(at.row), columns = g.columns.inside(at.column);
    float sum[kPack] = {};
    for (int row = rows.begin; row < rows.end; ++row) {
      const T* pixel =
          x + at.channel +
          ((at.image * g.rows.size + row) * g.columns.size + columns.begin) * g.channels;
      for (int column = columns.begin; column < columns.end; ++column) {
        const Pack<T, kPack> values = load_pack<kPack>(pixel);
        pixel += g.channels;
        for (int p = 0; p < kPack; ++p) sum[p] += static_cast<float>(values.at[p]);
      }
    }
    Pack<T, kPack> result;
    for (int p = 0; p < kPack; ++p) result.at[p] = static_cast<T>(sum[p] * share);
    store_pack(result, y + i * kPack);
  }
};

// F is the activation before the pooling; y is its result.
template <class T, int kPack, bool kLargest, class F>
struct Gather {
  Geometry g;
  const T *grad_y, *y;     // y: null for NoActivation
  const uint8_t* winners;  // null for averages
  T* grad_x;
  float share;

  __device__ void operator()(int64_t i) const {
    const PackPosition at(i, g.rows.size, g.columns.size, g.channels, kPack);
    const Range rows = g.rows.windows_of(at.row), columns = g.columns.windows_of(at.column);
    float sum[kPack] = {};
    for (int row = rows.begin; row < rows.end; ++row) {
      int64_t from =
          at.channel +
          ((at.image * g.rows.outputs + row) * g.columns.outputs + columns.begin) * g.channels;
      const int line = (at.row - g.rows.first(row)) * g.columns.window;
      for (int column = columns.begin; column < columns.end; ++column, from += g.channels)
        add(from, line + at.column - g.columns.first(column), sum);
    }
    Pack<T, kPack> result, before;
    if constexpr (!std::is_same_v<F, NoActivation>) before = load_pack<kPack>(y + i * kPack);
    for (int p = 0; p < kPack; ++p) {
      float grad = sum[p] * share;
      if constexpr (!std::is_same_v<F, NoActivation>)
        grad *= F{}.derivative(0.0f, static_cast<float>(before.at[p]));
      result.at[p] = static_cast<T>(grad);
    }
    store_pack(result, grad_x + i * kPack);
  }

  // Adds what the window passes back to its element at `position`.
  __device__ void add(int64_t from, int position, float (&sum)[kPack]) const {
    const Pack<T, kPack> grad = load_pack<kPack>(grad_y + from);
    if constexpr (kLargest) {
      const Pack<uint8_t, kPack> won = load_pack<kPack>(winners + from);
      for (int p = 0; p < kPack; ++p)
        sum[p] += won.at[p] == position ? static_cast<float>(grad.at[p]) : 0.0f;
    } else {
      for (int p = 0; p < kPack; ++p) sum[p] += static_cast<float>(grad.at[p]);
    }
  }
};

bool winners_are_aligned(const void* winners, DType dtype) {
  return are_aligned(16 / size_of(dtype), winners);
}

struct Pooled {
  ConstView y, grad_y, winners;  // y: result of the activation; {} if none
};

void gather(const Queue& queue, const ConvPoolParams& params, const Pooled& in, View grad_x) {
  const Geometry g(params.pool, grad_x.shape, in.grad_y.shape);
  const bool largest = params.pool.kind == Pooling::max;
  const bool aligned = are_aligned(16, in.y.data, in.grad_y.data, grad_x.data) &&
                       (!largest || winners_are_aligned(in.winners.data, grad_x.dtype));
  visit_packs(grad_x.dtype, g.channels, aligned, [&](auto zero, auto pack) {
    using T = decltype(zero);
    constexpr int kPack = decltype(pack)::value;
    const int64_t count = grad_x.elements() / kPack;
    visit_any_activation(params.conv.activation, [&](auto formula) {
      using F = decltype(formula);
      const auto *grad_y = in.grad_y.as<T>(), *y = in.y.as<T>();
      if (largest)
        for_each(queue, count,
                 Gather<T, kPack, true, F>{g, grad_y, y, in.winners.as<uint8_t>(), grad_x.as<T>(),
                                           1.0f});
      else
        for_each(queue, count,
                 Gather<T, kPack, false, F>{g, grad_y, y, nullptr, grad_x.as<T>(), g.share()});
    });
  });
}

}  // namespace

void CudaBackend::do_pool2d(const Pool2dParams& params, ConstView x, View y, View winners) {
  if (y.elements() == 0) return;
  const Geometry g(params, x.shape, y.shape);
  const bool aligned =
      are_aligned(16, x.data, y.data) && winners_are_aligned(winners.data, x.dtype);
  visit_packs(x.dtype, g.channels, aligned, [&](auto zero, auto pack) {
    using T = decltype(zero);
    constexpr int kPack = decltype(pack)::value;
    const int64_t count = y.elements() / kPack;
    if (params.kind == Pooling::max)
      for_each(queue_, count, Largest<T, kPack>{g, x.as<T>(), y.as<T>(), winners.as<uint8_t>()});
    else
      for_each(queue_, count, Average<T, kPack>{g, x.as<T>(), y.as<T>(), g.share()});
  });
}

void CudaBackend::do_pool2d_backward(const Pool2dParams& params, ConstView grad_y,
                                     ConstView winners, View grad_x) {
  gather(queue_, {.conv = {}, .pool = params}, {{}, grad_y, winners}, grad_x);
}

void CudaBackend::do_activated_pool2d_backward(const ConvPoolParams& params, ConstView y,
                                               ConstView grad_y, ConstView winners, View grad_x) {
  gather(queue_, params, {y, grad_y, winners}, grad_x);
}

}  // namespace d2l::cuda
