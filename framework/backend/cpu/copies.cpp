#include <cstdlib>
#include <cstring>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/loop_nest.h"

namespace d2l::cpu {
namespace {

template <class T>
D2L_SIMD void fill_run(T value, T* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = value;
}

// A block of rows, with steps in elements from row to row and from column to column.
template <class In, class Out>
struct CopyRows {
  const In* in;
  Out* out;
  int64_t in_row, out_row, in_column, out_column;
  int64_t rows, columns;
};

template <class In, class Out>
D2L_SIMD void copy_rows(const CopyRows<In, Out>& block) {
  const int64_t columns = block.columns, in_step = block.in_column, out_step = block.out_column;
  for (int64_t row = 0; row < block.rows; ++row) {
    const In* __restrict__ in = block.in + row * block.in_row;
    Out* __restrict__ out = block.out + row * block.out_row;
    if (in_step == 1 && out_step == 1) {
      for (int64_t i = 0; i < columns; ++i) out[i] = static_cast<Out>(in[i]);
    } else if (in_step == 0 && out_step == 1) {
      const Out value = static_cast<Out>(*in);
      for (int64_t i = 0; i < columns; ++i) out[i] = value;
    } else {
      for (int64_t i = 0; i < columns; ++i) out[i * out_step] = static_cast<Out>(in[i * in_step]);
    }
  }
}

// The input is contiguous along rows, the output along columns: small squares stay in the cache.
template <class In, class Out>
D2L_SIMD void transpose_rows(const CopyRows<In, Out>& block) {
  constexpr int64_t kSide = 16;
  const int64_t rows = block.rows, columns = block.columns;
  for (int64_t row = 0; row < rows; row += kSide)
    for (int64_t column = 0; column < columns; column += kSide) {
      const In* __restrict__ in = block.in + row + column * block.in_column;
      Out* __restrict__ out = block.out + row * block.out_row + column;
      const int64_t high = std::min(kSide, rows - row), wide = std::min(kSide, columns - column);
      if (high == kSide && wide == kSide) {
        Out square[kSide][kSide];
        for (int64_t i = 0; i < kSide; ++i)
          for (int64_t j = 0; j < kSide; ++j)
            square[j][i] = static_cast<Out>(in[i * block.in_column + j]);
        for (int64_t j = 0; j < kSide; ++j)
          for (int64_t i = 0; i < kSide; ++i) out[j * block.out_row + i] = square[j][i];
      } else {
        for (int64_t j = 0; j < high; ++j)
          for (int64_t i = 0; i < wide; ++i)
            out[j * block.out_row + i] = static_cast<Out>(in[i * block.in_column + j]);
      }
    }
}

D2L_SIMD void add_rows(const CopyRows<float, float>& block) {
  const int64_t columns = block.columns, in_step = block.in_column, out_step = block.out_column;
  for (int64_t row = 0; row < block.rows; ++row) {
    const float* __restrict__ in = block.in + row * block.in_row;
    float* __restrict__ out = block.out + row * block.out_row;
    if (in_step == 1 && out_step == 1) {
      for (int64_t i = 0; i < columns; ++i) out[i] += in[i];
    } else if (out_step == 0) {
      float sum = *out;
      for (int64_t i = 0; i < columns; ++i) sum += in[i * in_step];
      *out = sum;
    } else {
#pragma GCC ivdep
      for (int64_t i = 0; i < columns; ++i) out[i * out_step] += in[i * in_step];
    }
  }
}

// The loops over (in, out); the axis with the output's smallest step is innermost.
LoopNest<2> copy_nest(const ConstStridedView& in, const StridedView& out) {
  std::array<int, Shape::kMaxRank> order{};
  const int rank = out.shape.rank();
  for (int axis = 0; axis < rank; ++axis) order[axis] = axis;
  std::stable_sort(order.begin(), order.begin() + rank, [&](int a, int b) {
    return std::abs(out.strides[a]) > std::abs(out.strides[b]);
  });
  LoopNest<2> nest;
  for (int i = 0; i < rank; ++i)
    nest.append(out.shape[order[i]], {in.strides[order[i]], out.strides[order[i]]});
  return nest;
}

// Whether two indices may refer to the same output element, as in the gradient of overlapping
// windows.
bool may_overlap(const LoopNest<2>& nest) {
  int64_t reach = 0;  // of the inner axes
  for (int axis = nest.rank() - 1; axis >= 0; --axis) {
    int64_t step = std::abs(nest.steps(axis)[1]);
    if (step <= reach) return true;
    reach += step * (nest.size(axis) - 1);
  }
  return false;
}

// Makes the axis along which the input is contiguous the second innermost. False if there is none.
bool arrange_transpose(LoopNest<2>& nest) {
  const auto [in_step, out_step] = nest.column_steps();
  if (nest.rank() < 2 || out_step != 1 || in_step == 1 || in_step == 0) return false;
  for (int axis = nest.rank() - 2; axis >= 0; --axis)
    if (nest.steps(axis)[0] == 1) {
      nest.swap(axis, nest.rank() - 2);
      return true;
    }
  return false;
}

// Runs kernel(block) over the whole nest.
template <class In, class Out, class Kernel>
void for_blocks(const LoopNest<2>& nest, CopyRows<In, Out> block, int64_t row_grain,
                const Kernel& kernel) {
  if (nest.rank() <= 1) {
    parallel_for(nest.columns(), row_grain, [&](int64_t begin, int64_t end) {
      CopyRows<In, Out> part = block;
      part.in += begin * block.in_column;
      part.out += begin * block.out_column;
      part.columns = end - begin;
      kernel(part);
    });
    return;
  }
  parallel_for(nest.rows(), row_grain, [&](int64_t begin, int64_t end) {
    nest.for_row_runs(begin, end, [&](const auto& offsets, int64_t, int64_t count) {
      CopyRows<In, Out> part = block;
      part.in += offsets[0];
      part.out += offsets[1];
      part.rows = count;
      kernel(part);
    });
  });
}

template <class In, class Out>
CopyRows<In, Out> whole_block(const LoopNest<2>& nest, const void* in, void* out) {
  const auto [in_row, out_row] = nest.row_steps();
  const auto [in_column, out_column] = nest.column_steps();
  return {static_cast<const In*>(in),
          static_cast<Out*>(out),
          in_row,
          out_row,
          in_column,
          out_column,
          1,
          nest.columns()};
}

int64_t grain_of(const LoopNest<2>& nest, int64_t fewest_rows) {
  return nest.rank() <= 1 ? kGrain : std::max(fewest_rows, kGrain / nest.columns());
}

template <class In, class Out>
void copy_as(LoopNest<2> nest, const void* in, void* out) {
  constexpr int64_t kTransposeRows = 64;
  if (arrange_transpose(nest)) {
    for_blocks(nest, whole_block<In, Out>(nest, in, out), grain_of(nest, kTransposeRows),
               transpose_rows<In, Out>);
    return;
  }
  for_blocks(nest, whole_block<In, Out>(nest, in, out), grain_of(nest, 1), copy_rows<In, Out>);
}

void accumulate_into(const LoopNest<2>& nest, const void* in, void* out) {
  // Threads must not share elements that are added to more than once.
  int64_t grain = may_overlap(nest) ? INT64_MAX / 2 : grain_of(nest, 1);
  for_blocks(nest, whole_block<float, float>(nest, in, out), grain, add_rows);
}

}  // namespace

void CpuBackend::do_fill(View out, double value) {
  visit_type(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* to = out.as<T>();
    parallel_for(out.elements(), kGrain, [&](int64_t begin, int64_t end) {
      fill_run(static_cast<T>(value), to + begin, end - begin);
    });
  });
}

void CpuBackend::do_copy(const ConstStridedView& in, const StridedView& out, bool accumulate) {
  if (out.shape.elements() == 0) return;
  LoopNest<2> nest = copy_nest(in, out);
  if (accumulate) return accumulate_into(nest, in.data, out.data);
  // The compiler does not vectorise copies of class objects.
  if (in.dtype == out.dtype && is_half(in.dtype))
    return copy_as<uint16_t, uint16_t>(nest, in.data, out.data);
  visit_type(in.dtype, [&](auto in_zero) {
    visit_type(out.dtype, [&](auto out_zero) {
      copy_as<decltype(in_zero), decltype(out_zero)>(nest, in.data, out.data);
    });
  });
}

void CpuBackend::do_gather_rows(ConstView table, ConstView indices, View out) {
  const int64_t rows = indices.elements();
  if (rows == 0 || out.elements() == 0) return;
  const int64_t row_bytes = out.bytes() / rows;
  const auto* from = table.as<std::byte>();
  auto* to = out.as<std::byte>();
  const int64_t* index = indices.as<int64_t>();
  parallel_for(rows, std::max<int64_t>(1, 4 * kGrain / row_bytes), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      std::memcpy(to + i * row_bytes, from + index[i] * row_bytes, static_cast<size_t>(row_bytes));
  });
}

void CpuBackend::do_scatter_add_rows(ConstView rows, ConstView indices, View table) {
  const int64_t count = indices.elements();
  if (count == 0 || rows.elements() == 0) return;
  const int64_t columns = rows.elements() / count;
  const float* from = rows.as<float>();
  float* to = table.as<float>();
  const int64_t* index = indices.as<int64_t>();
  // Each thread takes some columns, so that every element receives its rows in the order of i.
  const int64_t grain = std::max<int64_t>(64, kGrain / count);
  parallel_for(columns, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < count; ++i)
      add_rows({from + i * columns + begin, to + index[i] * columns + begin, 0, 0, 1, 1, 1,
                end - begin});
  });
}

}  // namespace d2l::cpu
