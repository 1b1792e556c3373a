#include "data/transform/resize.h"

#include <algorithm>
#include <cmath>

#include "framework/base/error.h"
#include "framework/base/simd.h"

namespace d2l::data {
namespace {

constexpr int kBits = 22;  // of a weight's fraction: 8 more and a sign fit into 32
constexpr int32_t kHalf = 1 << (kBits - 1);
constexpr int64_t kBlock = 128;  // elements mixed at a time, in registers or L1

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::min(sum >> kBits, 255)); }

struct RowMixing {
  const int32_t *begin, *weights;
  int64_t taps, step;  // distance between the elements of successive taps
};

// Computes the elements of an output row from the bytes of one `row`. Gathers load 32 bits at a
// time, so the bytes are widened first, into `wide`.
D2L_SIMD void mix_row(const RowMixing& m, const uint8_t* row, int64_t count, int32_t* wide,
                      int64_t out_count, uint8_t* result) {
  for (int64_t i = 0; i < count; ++i) wide[i] = row[i];
  for (int64_t first = 0; first < out_count; first += kBlock) {
    const int64_t size = std::min(kBlock, out_count - first);
    int32_t sums[kBlock];
    for (int64_t i = 0; i < size; ++i) sums[i] = kHalf;
    for (int64_t t = 0; t < m.taps; ++t) {
      const int32_t* weights = m.weights + t * out_count + first;
      const int32_t* from = wide + t * m.step;
      for (int64_t i = 0; i < size; ++i) sums[i] += weights[i] * from[m.begin[first + i]];
    }
    for (int64_t i = 0; i < size; ++i) result[first + i] = to_byte(sums[i]);
  }
}

// Computes one output row from `taps` consecutive rows.
D2L_SIMD void mix_rows(const int32_t* weights, int64_t taps, const uint8_t* rows, int64_t count,
                       uint8_t* result) {
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t size = std::min(kBlock, count - first);
    int32_t sums[kBlock];
    for (int64_t i = 0; i < size; ++i) sums[i] = kHalf;
    for (int64_t t = 0; t < taps; ++t) {
      const uint8_t* from = rows + t * count + first;
      for (int64_t i = 0; i < size; ++i) sums[i] += weights[t] * from[i];
    }
    for (int64_t i = 0; i < size; ++i) result[first + i] = to_byte(sums[i]);
  }
}

}  // namespace

Resize::Mixing Resize::mixing(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);  // half the triangle's width
  struct Window {
    int64_t begin, end;
    double centre;
  };
  std::vector<Window> windows;
  Mixing mixing;
  for (int64_t i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const int64_t begin = std::lround(std::max(centre - support, 0.0));
    const int64_t end = std::min<int64_t>(std::lround(centre + support), from);
    windows.push_back({begin, end, centre});
    mixing.taps = std::max(mixing.taps, end - begin);
  }
  for (const Window& window : windows) {
    // all windows get the width of the widest; added taps have weight 0
    const int64_t begin = std::min(window.begin, from - mixing.taps);
    std::vector<double> weights(static_cast<size_t>(mixing.taps), 0.0);
    double sum = 0;
    for (int64_t at = window.begin; at < window.end; ++at) {
      const double distance = (static_cast<double>(at) - window.centre + 0.5) * (1.0 / support);
      sum += weights[at - begin] = std::max(0.0, 1.0 - std::abs(distance));
    }
    mixing.begin.push_back(static_cast<int32_t>(begin));
    for (double weight : weights)
      mixing.weights.push_back(static_cast<int32_t>(std::lround(weight / sum * (1 << kBits))));
  }
  return mixing;
}

Resize::Resize(const Shape& from, const Shape& to) : from_(from), to_(to) {
  check(from.rank() == 3 && to.rank() == 3 && from.elements() > 0 && to.elements() > 0 &&
            from[2] == to[2],
        "resize: expected images [height, width, channels] of the same channels, found ", from,
        " and ", to);
  columns_ = mixing(from[0], to[0]);
  const Mixing pixels = mixing(from[1], to[1]);
  const int64_t channels = to[2];
  rows_.taps = pixels.taps;
  for (int64_t t = 0; t < pixels.taps; ++t)
    for (int64_t x = 0; x < to[1]; ++x)
      rows_.weights.insert(rows_.weights.end(), channels, pixels.weights[x * pixels.taps + t]);
  for (int32_t begin : pixels.begin)
    for (int64_t c = 0; c < channels; ++c)
      rows_.begin.push_back(static_cast<int32_t>(begin * channels + c));
}

void Resize::apply(const uint8_t* image, uint8_t* result, Workspace& workspace) const {
  const int64_t row = from_[1] * from_[2], out_row = to_[1] * to_[2];
  workspace.wide.resize(static_cast<size_t>(row));
  workspace.rows.resize(static_cast<size_t>(from_[0] * out_row));
  const RowMixing m{rows_.begin.data(), rows_.weights.data(), rows_.taps, from_[2]};
  for (int64_t y = 0; y < from_[0]; ++y)
    mix_row(m, image + y * row, row, workspace.wide.data(), out_row,
            workspace.rows.data() + y * out_row);
  for (int64_t y = 0; y < to_[0]; ++y)
    mix_rows(columns_.weights.data() + y * columns_.taps, columns_.taps,
             workspace.rows.data() + columns_.begin[y] * out_row, out_row, result + y * out_row);
}

}  // namespace d2l::data
