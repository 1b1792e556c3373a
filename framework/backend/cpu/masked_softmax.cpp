#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/softmax_rows.h"

namespace d2l::cpu {
namespace {

// Some rows with their lengths: `first` is the first row, and `repeat` consecutive rows share a
// length.
struct MaskedRows {
  int64_t first, rows, columns;
  const int64_t* lengths;
  int64_t repeat;

  int64_t length(int64_t row) const {
    return std::clamp<int64_t>(lengths[(first + row) / repeat], 0, columns);
  }
};

D2L_SIMD void softmax_rows(const MaskedRows& part, const float* x, float* y) {
  const int64_t columns = part.columns;
  for (int64_t row = 0; row < part.rows; ++row, x += columns, y += columns) {
    const int64_t count = part.length(row);
    if (count == 0) {
      std::fill_n(y, columns, 1.0f / static_cast<float>(columns));
      continue;
    }
    const float factor = 1.0f / row_exp<true>(x, count, row_max(x, count), y);
    for (int64_t i = 0; i < count; ++i) y[i] *= factor;
    std::fill(y + count, y + columns, 0.0f);
  }
}

D2L_SIMD void gradient_rows(const MaskedRows& part, const float* all_y, const float* all_grad_y,
                            float* all_grad_x) {
  const int64_t columns = part.columns;
  for (int64_t row = 0; row < part.rows; ++row) {
    const float* __restrict__ y = all_y + row * columns;
    const float* __restrict__ grad_y = all_grad_y + row * columns;
    float* __restrict__ grad_x = all_grad_x + row * columns;
    const int64_t count = part.length(row);
    const float dot = row_sum(count, [=](int64_t i) { return y[i] * grad_y[i]; });
    for (int64_t i = 0; i < count; ++i) grad_x[i] = y[i] * (grad_y[i] - dot);
    std::fill(grad_x + count, grad_x + columns, 0.0f);
  }
}

// Calls body(rows, offset of the first element) for pieces of all rows.
template <class Body>
void for_rows(const Shape& shape, const ConstView& lengths, const Body& body) {
  if (shape.elements() == 0) return;
  const int64_t columns = shape[2], repeat = lengths.shape.rank() == 2 ? 1 : shape[1];
  parallel_for(shape[0] * shape[1], std::max<int64_t>(1, kGrain / 2 / columns),
               [&](int64_t begin, int64_t end) {
                 body(MaskedRows{begin, end - begin, columns, lengths.as<int64_t>(), repeat},
                      begin * columns);
               });
}

}  // namespace

void CpuBackend::do_masked_softmax(ConstView x, ConstView lengths, View y) {
  for_rows(x.shape, lengths, [&](const MaskedRows& rows, int64_t at) {
    softmax_rows(rows, x.as<float>() + at, y.as<float>() + at);
  });
}

void CpuBackend::do_masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                            View grad_x) {
  for_rows(y.shape, lengths, [&](const MaskedRows& rows, int64_t at) {
    gradient_rows(rows, y.as<float>() + at, grad_y.as<float>() + at, grad_x.as<float>() + at);
  });
}

}  // namespace d2l::cpu
