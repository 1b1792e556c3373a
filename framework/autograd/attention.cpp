#include "framework/autograd/attention.h"

#include "framework/autograd/activation_gradient.h"
#include "framework/autograd/arrange.h"
#include "framework/autograd/softmax.h"

namespace d2l {
namespace {

void check_lengths(const char* name, const Tensor& lengths, int64_t batch, int64_t queries) {
  check_dtype(name, lengths, DType::i64);
  check(lengths.shape() == Shape{batch} || lengths.shape() == Shape({batch, queries}), name,
        ": expected valid lengths [", batch, "] or [", batch, ", ", queries, "], found ",
        lengths.shape());
}

void check_heads(const char* name, int64_t width, int64_t heads) {
  check(heads >= 1 && width >= heads && width % heads == 0, name, ": expected a width that ", heads,
        heads == 1 ? " head shares, found " : " heads share, found ", width);
}

void check_attention(const Shape& queries, const Shape& keys, const Shape& values,
                     const AttentionOptions& options) {
  check(queries.rank() == 3 && keys.rank() == 3 && values.rank() == 3,
        "attention: expected queries [b, n, d], keys [b, m, d] and values [b, m, e], found ",
        queries, ", ", keys, " and ", values);
  check(queries[0] == keys[0] && queries[2] == keys[2], "attention: queries ", queries,
        " and keys ", keys, " differ in their number of samples or in width");
  check(keys[0] == values[0] && keys[1] == values[1], "attention: keys ", keys, " and values ",
        values, " differ in number");
  check(queries[1] >= 1 && keys[1] >= 1,
        "attention: expected at least one query and one key, found queries ", queries, " and keys ",
        keys);
  check_heads("attention", queries[2], options.heads);
  check_heads("attention", values[2], options.heads);
  if (options.lengths.defined())
    check_lengths("attention", options.lengths, queries[0], queries[1]);
}

StridedView strided(Tensor& tensor) { return strided(tensor.view()); }
ConstStridedView strided(const Tensor& tensor) { return strided(tensor.view()); }

// Part `index` of the three equal parts of the last axis; AnyView is StridedView or
// ConstStridedView.
template <class AnyView, class Byte>
AnyView third(const AnyView& packed, int64_t index) {
  const int64_t width = packed.shape[2] / 3;
  const auto bytes = index * width * static_cast<int64_t>(size_of(packed.dtype));
  return {static_cast<Byte*>(packed.data) + bytes, packed.dtype, packed.shape.with_size(2, width),
          packed.strides};
}

Backend::AttentionOperands operands(const Variable& queries, const Variable& keys,
                                    const Variable& values, const Tensor& lengths) {
  const auto input = [](const Tensor& tensor) { return strided(tensor); };
  return {input(queries.value()), input(keys.value()), input(values.value()),
          view_or_none(lengths)};
}

Backend::AttentionOperands operands(const Variable& packed, const Tensor& lengths) {
  const Tensor& value = packed.value();
  const auto part = [whole = strided(value)](int64_t index) {
    return third<ConstStridedView, const std::byte>(whole, index);
  };
  return {part(0), part(1), part(2), view_or_none(lengths)};
}

}  // namespace

Variable masked_softmax(const Variable& scores, const Tensor& lengths) {
  if (!lengths.defined()) return softmax(scores);
  if (scores.value().dtype() != DType::f32)
    return in_f32(scores, [&](const Variable& wide) { return masked_softmax(wide, lengths); });
  const Shape& shape = scores.shape();
  check(shape.rank() == 3, "masked_softmax: expected scores [b, q, k], found ", shape);
  check_lengths("masked_softmax", lengths, shape[0], shape[1]);
  Tensor y(scores.backend(), shape, scores.value().dtype());
  y.backend().masked_softmax(scores.value().view(), lengths.view(), y.view());
  return Variable::result(y, {scores}, [scores, lengths, y](const Tensor& grad) {
    scores.contribute([&](Tensor& out) {
      out.backend().masked_softmax_backward(y.view(), lengths.view(), grad.view(), out.view());
    });
  });
}

Variable attention(const Variable& queries, const Variable& keys, const Variable& values,
                   const AttentionOptions& options) {
  const DType dtype = queries.value().dtype();
  if (keys.value().dtype() != dtype || values.value().dtype() != dtype)
    return attention(queries, cast(keys, dtype), cast(values, dtype), options);
  const Shape &q = queries.shape(), &v = values.shape();
  check_attention(q, keys.shape(), v, options);
  Backend& backend = queries.backend();
  Tensor y(backend, {q[0], q[1], v[2]}, dtype);
  Tensor kept(backend, {q[0], options.heads, q[1]});
  const AttentionParams params{options.heads};
  const Tensor lengths = options.lengths;
  backend.attention(params, operands(queries, keys, values, lengths), kept.view(), y.view());
  return Variable::result(y, {queries, keys, values},
                          [queries, keys, values, params, lengths, kept](const Tensor& grad) {
                            const auto gradient_of = [&grad](const Variable& x) {
                              return Tensor(grad.backend(), x.shape(), x.value().dtype());
                            };
                            Tensor of_queries = gradient_of(queries), of_keys = gradient_of(keys),
                                   of_values = gradient_of(values);
                            grad.backend().attention_backward(
                                params, operands(queries, keys, values, lengths), kept.view(),
                                grad.view(),
                                {strided(of_queries), strided(of_keys), strided(of_values)});
                            queries.contribute(of_queries);
                            keys.contribute(of_keys);
                            values.contribute(of_values);
                          });
}

Variable self_attention(const Variable& packed, const AttentionOptions& options) {
  const Shape& shape = packed.shape();
  check(shape.rank() == 3 && shape[2] % 3 == 0,
        "self_attention: expected queries, keys and values [b, n, 3 w], found ", shape);
  const Shape part = shape.with_size(2, shape[2] / 3);
  check_attention(part, part, part, options);
  Backend& backend = packed.backend();
  Tensor y(backend, part, packed.value().dtype());
  Tensor kept(backend, {part[0], options.heads, part[1]});
  const AttentionParams params{options.heads};
  const Tensor lengths = options.lengths;
  backend.attention(params, operands(packed, lengths), kept.view(), y.view());
  return Variable::result(y, {packed}, [packed, params, lengths, kept](const Tensor& grad) {
    packed.contribute([&](Tensor& out) {
      const auto slice = [whole = strided(out)](int64_t index) {
        return third<StridedView, std::byte>(whole, index);
      };
      out.backend().attention_backward(params, operands(packed, lengths), kept.view(), grad.view(),
                                       {slice(0), slice(1), slice(2)});
    });
  });
}

}  // namespace d2l
