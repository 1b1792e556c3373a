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

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kBits, 0, 255)); }

int32_t to_fixed(double weight) { return static_cast<int32_t>(std::lround(weight * (1 << kBits))); }

struct RowMixing {
  const int32_t *first, *weights;
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
      for (int64_t i = 0; i < size; ++i) sums[i] += weights[i] * from[m.first[first + i]];
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

void BoxResize::assign(const AxisPart& down, const AxisPart& across, int64_t channels,
                       Filter filter) {
  channels_ = channels;
  axis_.assign(down, filter);
  first_row_ = axis_.begin();
  end_row_ = axis_.end();
  columns_.taps = axis_.taps;
  columns_.first = axis_.first;
  columns_.weights.resize(axis_.weights.size());
  std::transform(axis_.weights.begin(), axis_.weights.end(), columns_.weights.begin(), to_fixed);

  axis_.assign(across, filter);
  row_elements_ = across.to * channels;
  rows_.taps = axis_.taps;
  rows_.first.resize(static_cast<size_t>(row_elements_));
  rows_.weights.resize(static_cast<size_t>(row_elements_ * axis_.taps));
  const int64_t first = axis_.begin();
  first_byte_ = first * channels;
  row_bytes_ = axis_.end() * channels - first_byte_;
  for (int64_t i = 0; i < row_elements_; ++i)
    rows_.first[i] =
        static_cast<int32_t>((axis_.first[i / channels] - first) * channels + i % channels);
  for (int64_t x = 0; x < across.to; ++x)
    for (int64_t t = 0; t < axis_.taps; ++t)
      std::fill_n(rows_.weights.begin() + t * row_elements_ + x * channels, channels,
                  to_fixed(axis_.weights[x * axis_.taps + t]));
}

void BoxResize::apply(const uint8_t* image, int64_t row_bytes, uint8_t* result) {
  apply(image, row_bytes, result, workspace_);
}

void BoxResize::apply(const uint8_t* image, int64_t row_bytes, uint8_t* result,
                      Workspace& workspace) const {
  workspace.wide.resize(static_cast<size_t>(row_bytes_));
  workspace.rows.resize(static_cast<size_t>((end_row_ - first_row_) * row_elements_));
  const RowMixing m{rows_.first.data(), rows_.weights.data(), rows_.taps, channels_};
  for (int64_t y = first_row_; y < end_row_; ++y)
    mix_row(m, image + y * row_bytes + first_byte_, row_bytes_, workspace.wide.data(),
            row_elements_, workspace.rows.data() + (y - first_row_) * row_elements_);
  const auto rows = static_cast<int64_t>(columns_.first.size());
  for (int64_t y = 0; y < rows; ++y)
    mix_rows(columns_.weights.data() + y * columns_.taps, columns_.taps,
             workspace.rows.data() + (columns_.first[y] - first_row_) * row_elements_,
             row_elements_, result + y * row_elements_);
}

Resize::Resize(const Shape& from, const Shape& to) : from_(from), to_(to) {
  check(from.rank() == 3 && to.rank() == 3 && from.elements() > 0 && to.elements() > 0 &&
            from[2] == to[2],
        "resize: expected images [height, width, channels] of the same channels, found ", from,
        " and ", to);
  resize_.assign({0, static_cast<double>(from[0]), from[0], to[0]},
                 {0, static_cast<double>(from[1]), from[1], to[1]}, from[2], Filter::bilinear);
}

void Resize::apply(const uint8_t* image, uint8_t* result, Workspace& workspace) const {
  resize_.apply(image, from_[1] * from_[2], result, workspace);
}

}  // namespace d2l::data
