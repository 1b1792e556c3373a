#include <algorithm>
#include <cmath>
#include <limits>

#include "framework/backend/cpu/cpu_backend.h"
#include "framework/backend/cpu/floats.h"
#include "framework/backend/cpu/lanes.h"
#include "framework/backend/cpu/parallel.h"
#include "framework/backend/cpu/per_thread.h"
#include "framework/backend/cpu/small_products.h"
#include "framework/backend/cpu/softmax_rows.h"
#include "framework/backend/cpu/vector_math.h"

// Heads are processed one at a time, in scratch memory that stays in the cache: a head's matrices
// are copied as floats, with rows padded to whole vectors (`wide`), and queries are taken in
// blocks. The probabilities are not stored. The gradient computes them again from the logarithm of
// each row's sum, which is stored in `kept` (Dao et al., "FlashAttention", 2022).

namespace d2l::cpu {
namespace {

constexpr int64_t kLanes = 16;
constexpr int64_t kBlock = 64;  // queries

int64_t whole_vectors(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

// The rows of one head: [rows, columns], `step` elements apart.
template <class T>
struct Matrix {
  T* at;
  int64_t rows, columns, step;

  Matrix from(int64_t row, int64_t count) const { return {at + row * step, count, columns, step}; }
  int64_t wide() const { return whole_vectors(columns); }
};
using Input = Matrix<const float>;
using Output = Matrix<float>;
template <class T>
using Stored = Matrix<const T>;  // T, the activations' type, is float or Bfloat16

// `whole` is [b, rows, heads * columns].
template <class T, class AnyView>
Matrix<T> head_of(const AnyView& whole, int64_t heads, int64_t sample, int64_t head) {
  const int64_t columns = whole.shape[2] / heads;
  return {static_cast<T*>(whole.data) + sample * whole.strides[0] + head * columns, whole.shape[1],
          columns, whole.strides[1]};
}

// How many keys each query of a sample sees. 0: the weights are uniform, whatever the scores.
struct Lengths {
  const int64_t* at = nullptr;  // of the first query
  int64_t step = 0;
  int64_t keys = 0;

  int64_t of(int64_t query) const {
    return at == nullptr ? keys : std::clamp<int64_t>(at[query * step], 0, keys);
  }
  Lengths from(int64_t query) const {
    return {at == nullptr ? nullptr : at + query * step, step, keys};
  }
};

Lengths lengths_of(const Backend::AttentionOperands& in, int64_t sample) {
  const int64_t queries = in.queries.shape[1], keys = in.keys.shape[1];
  if (!in.lengths) return {nullptr, 0, keys};
  const bool each = in.lengths.shape.rank() == 2;
  return {in.lengths.as<int64_t>() + sample * (each ? queries : 1), each ? 1 : 0, keys};
}

// Allocates consecutive parts of a thread's scratch memory.
class BumpAllocator {
 public:
  explicit BumpAllocator(float* memory) : next_(memory) {}
  float* take(int64_t count) {
    float* part = next_;
    next_ += whole_vectors(count);
    return part;
  }

 private:
  float* next_;
};

// Copies rows to a distance of `wide`, padded with zeros.
template <class T>
D2L_SIMD void pack(const Stored<T>& in, float* to) {
  const int64_t wide = in.wide();
  for (int64_t i = 0; i < in.rows; ++i) {
    copy_row(in.at + i * in.step, in.columns, to + i * wide);
    std::fill(to + i * wide + in.columns, to + (i + 1) * wide, 0.0f);
  }
}

template <class T>
D2L_SIMD void unpack(const float* from, const Matrix<T>& out) {
  for (int64_t i = 0; i < out.rows; ++i)
    copy_row(from + i * out.wide(), out.columns, out.at + i * out.step);
}

// Returns the rows themselves if they are floats, else a packed copy in `memory`.
template <class T>
Input as_floats(const Stored<T>& in, float* memory) {
  if constexpr (std::is_same_v<T, float>) {
    return in;
  } else {
    pack<T>(in, memory);
    return {memory, in.rows, in.columns, in.wide()};
  }
}

// to [columns, wide(rows)]
template <class T>
void pack_transposed(const Stored<T>& in, float factor, float* to) {
  transpose<T>({.rows = in.rows,
                .columns = in.columns,
                .from = in.at,
                .from_row = in.step,
                .to = to,
                .to_row = whole_vectors(in.rows),
                .factor = factor});
}

// c = a b; b is [a.columns, wide].
void multiply_rows(const Input& a, const float* b, int64_t wide, float* c) {
  multiply({.rows = a.rows,
            .inner = a.columns,
            .columns = wide,
            .a = a.at,
            .a_row = a.step,
            .a_inner = 1,
            .b = b,
            .b_row = wide,
            .c = c,
            .c_row = wide});
}

// c = a^T b, or c += a^T b if `add`; a is [rows, keys] with rows padded to whole vectors.
void multiply_columns(const Input& a, const float* b, int64_t wide, bool add, float* c) {
  multiply({.rows = a.columns,
            .inner = a.rows,
            .columns = wide,
            .a = a.at,
            .a_row = 1,
            .a_inner = a.step,
            .b = b,
            .b_row = wide,
            .c = c,
            .c_row = wide,
            .add = add});
}

// Reduces the lanes to one value, such as the maximum or the sum.
template <class Join>
[[gnu::always_inline]] inline float join_lanes(float* lanes, const Join& join) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t k = 0; k < half; ++k) lanes[k] = join(lanes[k], lanes[k + half]);
  return lanes[0];
}

struct RowStatistics {
  float max, sum;  // of e^(x - max)
};

// Works on whole vectors: masked scores become -inf, so their weights are 0.
[[gnu::always_inline]] inline RowStatistics softmax_row(float* row, int64_t count, int64_t wide) {
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  std::fill(row + count, row + wide, kNothing);
  float maxima[kLanes], sums[kLanes] = {};
  std::fill_n(maxima, kLanes, kNothing);
  for (int64_t j = 0; j < wide; j += kLanes)
    for (int64_t k = 0; k < kLanes; ++k) maxima[k] = larger(row[j + k], maxima[k]);
  const float max = join_lanes(maxima, larger);
  for (int64_t j = 0; j < wide; j += kLanes)
    for (int64_t k = 0; k < kLanes; ++k) {
      row[j + k] = exp_of_difference(row[j + k] - max);
      sums[k] += row[j + k];
    }
  const float sum = join_lanes(sums, [](float a, float b) { return a + b; });
  const float factor = 1.0f / sum;
  for (int64_t j = 0; j < wide; ++j) row[j] *= factor;
  return {max, sum};
}

// Turns scores into probabilities; kept [rows] = ln(sum of e^score). At most kBlock rows.
D2L_SIMD void softmax_block(const Output& scores, const Lengths& lengths, float* kept) {
  float sums[kBlock];
  for (int64_t i = 0; i < scores.rows; ++i) {
    float* row = scores.at + i * scores.step;
    const int64_t count = lengths.of(i);
    RowStatistics found{0, 1};
    if (count == 0)
      std::fill_n(row, scores.columns, 1.0f / static_cast<float>(scores.columns));
    else
      found = softmax_row(row, count, scores.step);
    kept[i] = found.max;
    sums[i] = found.sum;
  }
  for (int64_t i = 0; i < scores.rows; ++i) kept[i] += vector_log(sums[i]);
}

// Computes the same probabilities again from `kept`.
D2L_SIMD void restore_block(const Output& scores, const Lengths& lengths, const float* kept) {
  for (int64_t i = 0; i < scores.rows; ++i) {
    float* row = scores.at + i * scores.step;
    const int64_t count = lengths.of(i);
    const float log_sum = kept[i];
    for (int64_t j = 0; j < count; ++j) row[j] = exp_of_difference(row[j] - log_sum);
    const float rest = count == 0 ? 1.0f / static_cast<float>(scores.columns) : 0.0f;
    std::fill(row + count, row + scores.columns, rest);
  }
}

// Turns gradients of the probabilities into gradients of the products of queries and keys.
D2L_SIMD void softmax_gradient_block(const Input& weights, const Lengths& lengths, float scale,
                                     float* gradients) {
  for (int64_t i = 0; i < weights.rows; ++i) {
    const float* __restrict__ p = weights.at + i * weights.step;
    float* __restrict__ grad = gradients + i * weights.step;
    const int64_t count = lengths.of(i);
    const float dot = row_sum(count, [=](int64_t j) { return p[j] * grad[j]; });
    for (int64_t j = 0; j < count; ++j) grad[j] = scale * p[j] * (grad[j] - dot);
    std::fill(grad + count, grad + weights.columns, 0.0f);
  }
}

template <class T>
struct HeadForward {
  Stored<T> queries, keys, values;
  Lengths lengths;
  float scale;
  float* kept;
  Matrix<T> y;

  int64_t block() const { return std::min(kBlock, queries.rows); }
  int64_t keys_wide() const { return whole_vectors(keys.rows); }
  int64_t scratch() const {
    return keys.columns * keys_wide() + keys.rows * values.wide() +
           block() * (keys_wide() + values.wide() + queries.wide());
  }
};

template <class T>
void forward(const HeadForward<T>& head, float* memory) {
  const int64_t keys_wide = head.keys_wide(), values_wide = head.values.wide();
  BumpAllocator scratch(memory);
  float* keys = scratch.take(head.keys.columns * keys_wide);
  float* values = scratch.take(head.values.rows * values_wide);
  float* weights = scratch.take(head.block() * keys_wide);
  float* y = scratch.take(head.block() * values_wide);
  float* queries = scratch.take(head.block() * head.queries.wide());
  pack_transposed<T>(head.keys, head.scale, keys);
  pack<T>(head.values, values);
  for (int64_t row = 0; row < head.queries.rows; row += kBlock) {
    const int64_t rows = std::min(kBlock, head.queries.rows - row);
    multiply_rows(as_floats<T>(head.queries.from(row, rows), queries), keys, keys_wide, weights);
    softmax_block({weights, rows, head.keys.rows, keys_wide}, head.lengths.from(row),
                  head.kept + row);
    multiply_rows({weights, rows, head.keys.rows, keys_wide}, values, values_wide, y);
    unpack(y, head.y.from(row, rows));
  }
}

template <class T>
struct HeadBackward {
  Stored<T> queries, keys, values;
  Lengths lengths;
  float scale;
  const float* kept;
  Stored<T> grad_y;
  Matrix<T> grad_queries, grad_keys, grad_values;

  int64_t block() const { return std::min(kBlock, queries.rows); }
  int64_t keys_wide() const { return whole_vectors(keys.rows); }
  int64_t scratch() const {
    return (keys.columns + values.columns + 2 * block()) * keys_wide() +
           2 * (keys.rows + block()) * keys.wide() + (keys.rows + block()) * values.wide();
  }
};

template <class T>
void backward(const HeadBackward<T>& head, float* memory) {
  const int64_t keys_wide = head.keys_wide(), inner_wide = head.keys.wide();
  const int64_t values_wide = head.values.wide(), keys = head.keys.rows, block = head.block();
  BumpAllocator scratch(memory);
  float* keys_across = scratch.take(head.keys.columns * keys_wide);
  float* values_across = scratch.take(head.values.columns * keys_wide);
  float* weights = scratch.take(block * keys_wide);
  float* scores = scratch.take(block * keys_wide);
  float* keys_packed = scratch.take(keys * inner_wide);
  float* grad_keys = scratch.take(keys * inner_wide);
  float* queries = scratch.take(block * inner_wide);
  float* grad_queries = scratch.take(block * inner_wide);
  float* grad_values = scratch.take(keys * values_wide);
  float* grad_y = scratch.take(block * values_wide);
  pack_transposed<T>(head.keys, head.scale, keys_across);
  pack_transposed<T>(head.values, 1, values_across);
  pack<T>(head.keys, keys_packed);
  for (int64_t row = 0; row < head.queries.rows; row += kBlock) {
    const int64_t rows = std::min(kBlock, head.queries.rows - row);
    const Lengths lengths = head.lengths.from(row);
    pack<T>(head.queries.from(row, rows), queries);
    pack<T>(head.grad_y.from(row, rows), grad_y);
    const Input some_queries{queries, rows, head.queries.columns, inner_wide};
    const Input some_grads{grad_y, rows, head.grad_y.columns, values_wide};
    const Input of_weights{weights, rows, keys, keys_wide},
        of_scores{scores, rows, keys, keys_wide};
    multiply_rows(some_queries, keys_across, keys_wide, weights);
    restore_block({weights, rows, keys, keys_wide}, lengths, head.kept + row);
    multiply_rows(some_grads, values_across, keys_wide, scores);
    softmax_gradient_block(of_weights, lengths, head.scale, scores);

    multiply_rows(of_scores, keys_packed, inner_wide, grad_queries);
    unpack(grad_queries, head.grad_queries.from(row, rows));
    multiply_columns(of_scores, queries, inner_wide, row > 0, grad_keys);
    multiply_columns(of_weights, grad_y, values_wide, row > 0, grad_values);
  }
  unpack(grad_keys, head.grad_keys);
  unpack(grad_values, head.grad_values);
}

// Calls run(head, scratch) for every head of every sample; make(sample, head) returns its operands.
template <class Make, class Run>
void for_heads(MemoryPool& pool, int64_t samples, int64_t heads, const Make& make, const Run& run) {
  PerThread<float> memory(pool, make(0, 0).scratch() + 16 * kLanes);
  memory.clear();  // so that padding holds valid numbers
  parallel_for(samples * heads, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) run(make(i / heads, i % heads), memory.mine());
  });
}

float scale_of(const AttentionParams& params, const Backend::AttentionOperands& in) {
  return static_cast<float>(
      1.0 / std::sqrt(static_cast<double>(in.keys.shape[2]) / static_cast<double>(params.heads)));
}

}  // namespace

void CpuBackend::do_attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                              View y) {
  if (y.elements() == 0) return;
  const int64_t heads = params.heads, queries = in.queries.shape[1];
  visit_float(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for_heads(
        pool_, y.shape[0], heads,
        [&](int64_t sample, int64_t head) {
          return HeadForward<T>{.queries = head_of<const T>(in.queries, heads, sample, head),
                                .keys = head_of<const T>(in.keys, heads, sample, head),
                                .values = head_of<const T>(in.values, heads, sample, head),
                                .lengths = lengths_of(in, sample),
                                .scale = scale_of(params, in),
                                .kept = kept.as<float>() + (sample * heads + head) * queries,
                                .y = head_of<T>(strided(y), heads, sample, head)};
        },
        forward<T>);
  });
}

void CpuBackend::do_attention_backward(const AttentionParams& params, const AttentionOperands& in,
                                       ConstView kept, ConstView grad_y,
                                       const AttentionGradients& gradients) {
  if (grad_y.elements() == 0) return;
  const int64_t heads = params.heads, queries = in.queries.shape[1];
  visit_float(grad_y.dtype, [&](auto zero) {
    using T = decltype(zero);
    for_heads(
        pool_, grad_y.shape[0], heads,
        [&](int64_t sample, int64_t head) {
          return HeadBackward<T>{.queries = head_of<const T>(in.queries, heads, sample, head),
                                 .keys = head_of<const T>(in.keys, heads, sample, head),
                                 .values = head_of<const T>(in.values, heads, sample, head),
                                 .lengths = lengths_of(in, sample),
                                 .scale = scale_of(params, in),
                                 .kept = kept.as<float>() + (sample * heads + head) * queries,
                                 .grad_y = head_of<const T>(strided(grad_y), heads, sample, head),
                                 .grad_queries = head_of<T>(gradients.queries, heads, sample, head),
                                 .grad_keys = head_of<T>(gradients.keys, heads, sample, head),
                                 .grad_values = head_of<T>(gradients.values, heads, sample, head)};
        },
        backward<T>);
  });
}

}  // namespace d2l::cpu
