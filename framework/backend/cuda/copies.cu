#include <array>
#include <cstdlib>
#include <cstring>

#include "framework/backend/cuda/cuda_backend.h"
#include "framework/backend/cuda/launch.h"
#include "framework/backend/cuda/map.h"
#include "framework/backend/cuda/overlapping_add.h"
#include "framework/backend/cuda/scatter_rows.h"
#include "framework/backend/cuda/transpose.h"

namespace d2l::cuda {
namespace {

template <class T>
struct Fill {
  int64_t count;
  bool packed;
  T value;
  T* out;

  __device__ void operator()(int64_t item) const {
    constexpr int kWide = kPackOf<T>;
    Pack<T, kWide> pack;
    for (int k = 0; k < kWide; ++k) pack.at[k] = value;
    const int64_t begin = item * kWide;
    store_part(pack, out, begin, count, packed && begin + kWide <= count);
  }
};

template <class T>
bool is_one_byte_repeated(T value) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof value);
  return std::all_of(bytes, bytes + sizeof(T),
                     [&](unsigned char byte) { return byte == bytes[0]; });
}

// Orders the axes so that the output's smallest steps are innermost, and makes all of them
// positive.
CopyJob job_of(const ConstStridedView& in, const StridedView& out) {
  std::array<int, Shape::kMaxRank> order{};
  const int rank = out.shape.rank();
  for (int axis = 0; axis < rank; ++axis) order[axis] = axis;
  std::stable_sort(order.begin(), order.begin() + rank, [&](int a, int b) {
    return std::abs(out.strides[a]) > std::abs(out.strides[b]);
  });
  const char* from = static_cast<const char*>(in.data);
  char* to = static_cast<char*>(out.data);
  LoopNest<2> nest;
  for (int i = 0; i < rank; ++i) {
    const int64_t size = out.shape[order[i]];
    int64_t in_step = in.strides[order[i]], out_step = out.strides[order[i]];
    if (out_step < 0) {  // walk from the other end
      from += (size - 1) * in_step * static_cast<int64_t>(size_of(in.dtype));
      to += (size - 1) * out_step * static_cast<int64_t>(size_of(out.dtype));
      in_step = -in_step;
      out_step = -out_step;
    }
    nest.append(size, {in_step, out_step});
  }
  return {from, to, nest};
}

void copy_same(const Queue& queue, const CopyJob& job, int64_t size) {
  if (job.is_flat()) {
    D2L_CUDA(cudaMemcpyAsync(job.out, job.in, static_cast<size_t>(job.nest.columns() * size),
                             cudaMemcpyDeviceToDevice, queue.stream));
    return;
  }
  if (const auto nest = transposed_nest(job.nest))
    return visit_unit(size, [&](auto zero) {
      if constexpr (sizeof(zero) <= 8) transpose<decltype(zero), false>(queue, job, *nest);
    });
  if (!repeat_values(queue, job, size)) copy_units(queue, job, size);
}

void accumulate_into(const Queue& queue, const CopyJob& job) {
  const ApartAxes axes = apart_axes(job.nest);
  if (axes.count < job.nest.rank()) return add_overlapping(queue, job, axes);
  if (const auto nest = transposed_nest(job.nest)) return transpose<float, true>(queue, job, *nest);
  add_values(queue, job);
}

template <class In, class Out>
struct Cast {
  Walk<2> walk;
  const In* in;
  Out* out;
  __device__ void operator()(int64_t item) const {
    const Offsets<2> at = walk.at(item);
    out[at.in[1]] = static_cast<Out>(in[at.in[0]]);
  }
};

struct Same {
  __device__ float operator()(float x) const { return x; }
};

template <class T>
inline constexpr bool kIsActivation =
    std::is_same_v<T, float> || std::is_same_v<T, Bfloat16> || std::is_same_v<T, Float16>;

// Casts of stored images (u8) or activations to a type of activations.
template <class In, class Out>
inline constexpr bool kIsActivationCast = (kIsActivation<In> ||
                                           std::is_same_v<In, uint8_t>)&&(kIsActivation<Out>);

template <class In, class Out>
void cast(const Queue& queue, const CopyJob& job) {
  const auto* in = static_cast<const In*>(job.in);
  auto* out = static_cast<Out*>(job.out);
  if constexpr (kIsActivationCast<In, Out>)
    if (job.is_flat()) return map(queue, job.nest.columns(), Same{}, out, in);
  const Walk<2> walk = walk_of(job.nest);
  for_each(queue, walk.items, Cast<In, Out>{walk, in, out});
}

template <class Unit>
struct GatherRow {
  Divider columns;  // in units
  const Unit* table;
  const int64_t* indices;
  Unit* out;
  __device__ void operator()(int64_t item) const {
    const int64_t row = columns.quotient(item), column = item - row * columns.divisor();
    out[item] = table[indices[row] * columns.divisor() + column];
  }
};

}  // namespace

void CudaBackend::do_fill(View out, double value) {
  if (out.elements() == 0) return;
  visit_type(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T exact = static_cast<T>(value);
    if (is_one_byte_repeated(exact)) {
      unsigned char byte;
      std::memcpy(&byte, &exact, 1);
      D2L_CUDA(cudaMemsetAsync(out.data, byte, static_cast<size_t>(out.bytes()), queue_.stream));
      return;
    }
    for_each(queue_, ceil_div(out.elements(), kPackOf<T>),
             Fill<T>{out.elements(), are_aligned(16, out.data), exact, out.as<T>()});
  });
}

void CudaBackend::do_copy(const ConstStridedView& in, const StridedView& out, bool accumulate) {
  if (out.shape.elements() == 0) return;
  const CopyJob job = job_of(in, out);
  if (accumulate) return accumulate_into(queue_, job);
  if (in.dtype == out.dtype) return copy_same(queue_, job, static_cast<int64_t>(size_of(in.dtype)));
  visit_type(in.dtype, [&](auto in_zero) {
    visit_type(out.dtype, [&](auto out_zero) {
      using In = decltype(in_zero);
      using Out = decltype(out_zero);
      if constexpr (!std::is_same_v<In, Out>) cast<In, Out>(queue_, job);
    });
  });
}

void CudaBackend::do_gather_rows(ConstView table, ConstView indices, View out) {
  const int64_t rows = indices.elements();
  if (rows == 0 || out.elements() == 0) return;
  const int64_t row_bytes = out.bytes() / rows;
  visit_unit(widest_unit(reinterpret_cast<uintptr_t>(table.data) |
                         reinterpret_cast<uintptr_t>(out.data) | static_cast<uint64_t>(row_bytes)),
             [&](auto zero) {
               using Unit = decltype(zero);
               const int64_t columns = row_bytes / static_cast<int64_t>(sizeof(Unit));
               for_each(queue_, rows * columns,
                        GatherRow<Unit>{Divider(columns), table.as<Unit>(), indices.as<int64_t>(),
                                        out.as<Unit>()});
             });
}

void CudaBackend::do_scatter_add_rows(ConstView rows, ConstView indices, View table) {
  const int64_t count = indices.elements();
  if (count == 0 || rows.elements() == 0) return;
  const int64_t columns = rows.elements() / count;
  const ScatterRows job{.rows = rows.as<float>(),
                        .indices = indices.as<int64_t>(),
                        .table = table.as<float>(),
                        .count = count,
                        .columns = columns};
  const int64_t table_rows = table.elements() / columns;
  if (columns % 4 == 0 && are_aligned(16, rows.data, table.data))
    scatter_rows<4>(queue_, job, table_rows);
  else
    scatter_rows<1>(queue_, job, table_rows);
}

}  // namespace d2l::cuda
