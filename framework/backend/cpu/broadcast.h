#pragma once

#include <algorithm>

#include "framework/backend/cpu/parallel.h"
#include "framework/backend/loop_nest.h"

namespace d2l::cpu {

// A block of rows of a binary operation. `out` is contiguous; the operands' rows are row_a and
// row_b elements apart (0: the same row for all).
template <class Out>
struct BinaryRows {
  const float* a;
  const float* b;
  Out* out;
  int64_t row_a, row_b;
  int64_t rows, columns;
};

// Both operands have a value per column. No restrict in these loops: out may be a or b.
template <class F, class Out>
D2L_SIMD void both_vary(F f, const BinaryRows<Out>& block) {
  for (int64_t row = 0; row < block.rows; ++row) {
    const float* a = block.a + row * block.row_a;
    const float* b = block.b + row * block.row_b;
    Out* out = block.out + row * block.columns;
#pragma GCC ivdep
    for (int64_t i = 0; i < block.columns; ++i) out[i] = static_cast<Out>(f(a[i], b[i]));
  }
}

// b has one value per row.
template <class F, class Out>
D2L_SIMD void left_varies(F f, const BinaryRows<Out>& block) {
  for (int64_t row = 0; row < block.rows; ++row) {
    const float* a = block.a + row * block.row_a;
    const float b = block.b[row * block.row_b];
    Out* out = block.out + row * block.columns;
#pragma GCC ivdep
    for (int64_t i = 0; i < block.columns; ++i) out[i] = static_cast<Out>(f(a[i], b));
  }
}

// a has one value per row.
template <class F, class Out>
D2L_SIMD void right_varies(F f, const BinaryRows<Out>& block) {
  for (int64_t row = 0; row < block.rows; ++row) {
    const float a = block.a[row * block.row_a];
    const float* b = block.b + row * block.row_b;
    Out* out = block.out + row * block.columns;
#pragma GCC ivdep
    for (int64_t i = 0; i < block.columns; ++i) out[i] = static_cast<Out>(f(a, b[i]));
  }
}

// Both have one value per row: `out` is broadcast along this axis.
template <class F, class Out>
void none_varies(F f, const BinaryRows<Out>& block) {
  for (int64_t row = 0; row < block.rows; ++row) {
    const Out value = static_cast<Out>(f(block.a[row * block.row_a], block.b[row * block.row_b]));
    std::fill_n(block.out + row * block.columns, block.columns, value);
  }
}

template <class F, class Out>
void binary_rows(F f, const BinaryRows<Out>& block, bool a_varies, bool b_varies) {
  if (a_varies && b_varies)
    both_vary(f, block);
  else if (a_varies)
    left_varies(f, block);
  else if (b_varies)
    right_varies(f, block);
  else
    none_varies(f, block);
}

// The loops over a and b, in the order of out's elements.
inline LoopNest<2> broadcast_nest(const Shape& a, const Shape& b, const Shape& out) {
  Strides strides_a = contiguous_strides(a), strides_b = contiguous_strides(b);
  LoopNest<2> nest;
  for (int axis = 0; axis < out.rank(); ++axis) {
    int in_a = axis - out.rank() + a.rank(), in_b = axis - out.rank() + b.rank();
    nest.append(out[axis], {in_a >= 0 && a[in_a] > 1 ? strides_a[in_a] : 0,
                            in_b >= 0 && b[in_b] > 1 ? strides_b[in_b] : 0});
  }
  return nest;
}

// Rows of ten classes, say, are too short for vector loops. If one operand is the same row for all
// of them (a bias), this row is repeated to make a longer one, so that several rows become one.
template <class F, class Out>
bool widened_rows(F f, const LoopNest<2>& nest, BinaryRows<Out> block) {
  constexpr int64_t kWidest = 1024, kShort = 128;
  int64_t columns = nest.columns(), times = kWidest / columns;
  bool repeats_a = block.row_a == 0, repeats_b = block.row_b == 0;
  if (nest.rank() != 2 || columns > kShort || block.rows < 2 * times || repeats_a == repeats_b)
    return false;
  if ((repeats_a ? block.row_b : block.row_a) != columns) return false;

  float wide[kWidest];
  for (int64_t i = 0; i < times; ++i)
    std::copy_n(repeats_a ? block.a : block.b, columns, wide + i * columns);
  (repeats_a ? block.a : block.b) = wide;
  int64_t left_over = block.rows % times;
  block.rows /= times;
  block.columns *= times;
  (repeats_a ? block.row_b : block.row_a) = block.columns;
  both_vary(f, block);

  int64_t done = block.rows * block.columns;
  (repeats_a ? block.b : block.a) += done;
  block.out += done;
  block.rows = 1;
  block.columns = left_over * columns;
  both_vary(f, block);
  return true;
}

// out = f(a, b), broadcasting both operands to out's shape.
template <class Out, class F>
void broadcast_binary(F f, const ConstView& a, const ConstView& b, const View& out) {
  if (out.elements() == 0) return;
  LoopNest<2> nest = broadcast_nest(a.shape, b.shape, out.shape);
  const auto [step_a, step_b] = nest.column_steps();
  const auto [row_a, row_b] = nest.row_steps();
  BinaryRows<Out> all{a.as<float>(), b.as<float>(), out.as<Out>(), row_a, row_b, 1, nest.columns()};
  if (nest.rank() <= 1) {
    parallel_for(nest.columns(), kGrain, [&](int64_t begin, int64_t end) {
      BinaryRows<Out> block = all;
      block.a += begin * step_a;
      block.b += begin * step_b;
      block.out += begin;
      block.columns = end - begin;
      binary_rows(f, block, step_a != 0, step_b != 0);
    });
    return;
  }
  int64_t grain = std::max<int64_t>(1, kGrain / nest.columns());
  parallel_for(nest.rows(), grain, [&](int64_t begin, int64_t end) {
    nest.for_row_runs(begin, end, [&](const auto& offsets, int64_t row, int64_t count) {
      BinaryRows<Out> block = all;
      block.a += offsets[0];
      block.b += offsets[1];
      block.out += row * block.columns;
      block.rows = count;
      if (step_a == 1 && step_b == 1 && widened_rows(f, nest, block)) return;
      binary_rows(f, block, step_a != 0, step_b != 0);
    });
  });
}

}  // namespace d2l::cpu
