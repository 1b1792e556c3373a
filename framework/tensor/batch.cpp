#include "framework/tensor/batch.h"

#include <algorithm>

#include "framework/tensor/elementwise.h"

namespace d2l {

Tensor Batch::inputs_on(Backend& backend, DType dtype) const {
  Tensor there = inputs.sent_to(backend);
  if (there.dtype() != DType::u8) return there.cast(dtype);
  Tensor scaled = there.cast(DType::f32);
  scaled /= 255;
  return scaled.cast(dtype);
}

std::vector<Batch> Batch::split(int64_t pieces) const {
  check(pieces >= 1, "batch: expected at least 1 piece, found ", pieces);
  const int64_t samples = labels.elements();
  const int64_t count = std::min(pieces, samples);
  if (count <= 1) return {*this};
  std::vector<Batch> result;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = samples * i / count, end = samples * (i + 1) / count;
    result.push_back({.inputs = inputs.rows(begin, end),
                      .labels = labels.rows(begin, end),
                      .global_size = global_size,
                      .first_in_global = first_in_global + begin});
  }
  return result;
}

}  // namespace d2l
