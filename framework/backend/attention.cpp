#include <cmath>
#include <utility>
#include <vector>

#include "framework/backend/backend.h"
#include "framework/backend/scratch.h"

// The definition of masked softmax and attention in basic operations (chapter 10.3).

namespace d2l {
namespace {

constexpr double kMaskedScore = -1e6;  // the score of masked positions

// A scratch array and its view.
class Temporary {
 public:
  Temporary(MemoryPool& pool, const Shape& shape)
      : memory_(pool, shape.elements()), view_{memory_.data(), DType::f32, shape} {}
  const View& view() const { return view_; }

 private:
  Scratch<float> memory_;
  View view_;
};

// Shape of the mask: [b, q, k] or [b, 1, k], 1 where the position is below the length.
Shape mask_shape(const Shape& scores, const Shape& lengths) {
  return {scores[0], lengths.rank() == 2 ? lengths[1] : 1, scores[2]};
}

void fill_mask(Backend& on, ConstView lengths, View keep) {
  const Shape& shape = keep.shape;
  Temporary ones(on.pool(), {1, 1, shape[2]}), positions(on.pool(), {1, 1, shape[2]});
  Temporary limits(on.pool(), {shape[0], shape[1], 1});
  on.fill(ones.view(), 1);
  on.cumsum(ones.view(), 2, false, positions.view());  // 1, 2, 3, ...
  const Shape flat{lengths.elements()};
  on.copy({lengths.data, lengths.dtype, flat, contiguous_strides(flat)},
          {limits.view().data, DType::f32, flat, contiguous_strides(flat)}, false);
  Scratch<uint8_t> bits(on.pool(), shape.elements());
  on.compare(Compare::less_equal, positions.view(), limits.view(), {bits.data(), DType::u8, shape});
  on.copy({bits.data(), DType::u8, shape, contiguous_strides(shape)},
          {keep.data, DType::f32, shape, contiguous_strides(shape)}, false);
}

// Converts between [b, n, heads * d] and a stack of heads [b * heads, n, d].
struct Heads {
  int64_t batch, heads, rows, columns;

  Heads(const Shape& shape, int64_t count)
      : batch(shape[0]), heads(count), rows(shape[1]), columns(shape[2] / count) {}
  Shape split() const { return {batch * heads, rows, columns}; }

  // AnyView is StridedView or ConstStridedView.
  template <class AnyView>
  AnyView outside(const AnyView& whole) const {
    const Strides& step = whole.strides;
    return {whole.data,
            whole.dtype,
            {batch, heads, rows, columns},
            {step[0], columns * step[2], step[1], step[2]}};
  }
  StridedView inside(View split) const {
    const Shape shape{batch, heads, rows, columns};
    return {split.data, split.dtype, shape, contiguous_strides(shape)};
  }
};

// The operands of all heads as stacks of matrices, and the attention weights.
struct Unfused {
  Heads query_heads, key_heads, value_heads;
  double scale;
  Temporary queries, keys, values, weights;
  bool masked;
  Scratch<int64_t> lengths;  // [batch * heads, n]

  Unfused(Backend& on, const AttentionParams& params, const Backend::AttentionOperands& in)
      : query_heads(in.queries.shape, params.heads),
        key_heads(in.keys.shape, params.heads),
        value_heads(in.values.shape, params.heads),
        scale(1.0 / std::sqrt(static_cast<double>(query_heads.columns))),
        queries(on.pool(), query_heads.split()),
        keys(on.pool(), key_heads.split()),
        values(on.pool(), value_heads.split()),
        weights(on.pool(), {query_heads.split()[0], query_heads.rows, key_heads.rows}),
        masked(in.lengths),
        lengths(on.pool(), masked ? weights.view().shape.elements(0, 2) : 0) {
    on.copy(query_heads.outside(in.queries), query_heads.inside(queries.view()), false);
    on.copy(key_heads.outside(in.keys), key_heads.inside(keys.view()), false);
    on.copy(value_heads.outside(in.values), value_heads.inside(values.view()), false);
    const Temporary scores(on.pool(), weights.view().shape);
    on.matmul({.transpose_b = true}, queries.view(), keys.view(), {}, scores.view());
    on.binary_scalar(Binary::mul, scores.view(), scale, scores.view());
    if (masked) {
      repeat_lengths(on, in.lengths);
      on.masked_softmax(scores.view(), lengths_view(), weights.view());
    } else {
      on.softmax(scores.view(), weights.view());
    }
  }

  ConstView lengths_view() const {
    const Shape& shape = weights.view().shape;
    return {lengths.data(), DType::i64, {shape[0], shape[1]}};
  }

  void repeat_lengths(Backend& on, ConstView given) const {
    const Shape shape{query_heads.batch, query_heads.heads, query_heads.rows};
    const bool each = given.shape.rank() == 2;
    on.copy({given.data, DType::i64, shape, {each ? shape[2] : 1, 0, each ? 1 : 0}},
            {lengths.data(), DType::i64, shape, contiguous_strides(shape)}, false);
  }

  void softmax_backward(Backend& on, View grad_weights, View grad_scores) const {
    if (masked)
      on.masked_softmax_backward(weights.view(), lengths_view(), grad_weights, grad_scores);
    else
      on.softmax_backward(weights.view(), grad_weights, grad_scores);
  }
};

}  // namespace

void Backend::do_masked_softmax(ConstView x, ConstView lengths, View y) {
  const Temporary keep(pool(), mask_shape(x.shape, lengths.shape)), scores(pool(), x.shape);
  fill_mask(*this, lengths, keep.view());
  // keep x + (1 - keep) kMaskedScore
  binary(Binary::mul, x, keep.view(), scores.view());
  scalar_binary(Binary::sub, 1, keep.view(), keep.view());
  binary_scalar(Binary::mul, keep.view(), kMaskedScore, keep.view());
  binary(Binary::add, scores.view(), keep.view(), scores.view());
  softmax(scores.view(), y);
}

void Backend::do_masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                         View grad_x) {
  const Temporary keep(pool(), mask_shape(y.shape, lengths.shape));
  fill_mask(*this, lengths, keep.view());
  softmax_backward(y, grad_y, grad_x);
  binary(Binary::mul, grad_x, keep.view(), grad_x);
}

void Backend::do_attention(const AttentionParams& params, const AttentionOperands& in, View,
                           View y) {
  const Unfused unfused(*this, params, in);
  const Heads heads(y.shape, params.heads);
  const Temporary out(pool(), heads.split());
  matmul({}, unfused.weights.view(), unfused.values.view(), {}, out.view());
  copy(heads.inside(out.view()), heads.outside(strided(y)), false);
}

void Backend::do_attention_backward(const AttentionParams& params, const AttentionOperands& in,
                                    ConstView, ConstView grad_y,
                                    const AttentionGradients& gradients) {
  const Unfused unfused(*this, params, in);
  const auto& [queries, keys, values] = gradients;
  const Heads heads(grad_y.shape, params.heads);
  const Temporary grad(pool(), heads.split());
  copy(heads.outside(strided(grad_y)), heads.inside(grad.view()), false);

  const Temporary grad_values(pool(), unfused.value_heads.split());
  matmul({.transpose_a = true}, unfused.weights.view(), grad.view(), {}, grad_values.view());
  copy(unfused.value_heads.inside(grad_values.view()), unfused.value_heads.outside(values), false);

  const Shape& square = unfused.weights.view().shape;
  const Temporary weights(pool(), square), scores(pool(), square);
  matmul({.transpose_b = true}, grad.view(), unfused.values.view(), {}, weights.view());
  unfused.softmax_backward(*this, weights.view(), scores.view());
  binary_scalar(Binary::mul, scores.view(), unfused.scale, scores.view());

  const Temporary grad_queries(pool(), unfused.query_heads.split());
  matmul({}, scores.view(), unfused.keys.view(), {}, grad_queries.view());
  copy(unfused.query_heads.inside(grad_queries.view()), unfused.query_heads.outside(queries),
       false);

  const Temporary grad_keys(pool(), unfused.key_heads.split());
  matmul({.transpose_a = true}, scores.view(), unfused.queries.view(), {}, grad_keys.view());
  copy(unfused.key_heads.inside(grad_keys.view()), unfused.key_heads.outside(keys), false);
}

}  // namespace d2l
