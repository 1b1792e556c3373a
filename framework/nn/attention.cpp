#include "framework/nn/attention.h"

#include "framework/autograd/arrange.h"
#include "framework/autograd/elementwise.h"
#include "framework/autograd/linear.h"

namespace d2l::nn {

AdditiveAttention::AdditiveAttention(int64_t query_size, int64_t key_size, int64_t hidden) {
  const auto projection = [this](const std::string& name, int64_t in, int64_t out) {
    return add<Linear>(name, in, out, Activation::none, LayerInit{}, Linear::Bias::no);
  };
  query_ = projection("query", query_size, hidden);
  key_ = projection("key", key_size, hidden);
  score_ = projection("score", hidden, 1);
}

Variable AdditiveAttention::forward(const Variable& queries, const Variable& keys,
                                    const Variable& values, const Tensor& lengths) {
  const ScopeGuard scope(own_scope());
  const Variable q = (*query_)(queries, {}), k = (*key_)(keys, {});
  const Shape &many = q.shape(), &few = k.shape();
  check(many.rank() == 3 && few.rank() == 3,
        "additive attention: expected queries [b, n, .] and keys [b, m, .], found ",
        queries.shape(), " and ", keys.shape());
  const int64_t batch = many[0], n = many[1], m = few[1], hidden = many[2];
  // pairs every query with every key
  const Variable features =
      tanh(reshape(q, {batch, n, 1, hidden}) + reshape(k, {batch, 1, m, hidden}));
  const Variable scores = reshape((*score_)(features, {}), {batch, n, m});
  return matmul(masked_softmax(scores, lengths), values);
}

Variable AdditiveAttention::forward(const Variable& x, const Context&) {
  return forward(x, x, x, Tensor());
}

Variable DotProductAttention::forward(const Variable& queries, const Variable& keys,
                                      const Variable& values, const Tensor& lengths) {
  const ScopeGuard scope(own_scope());
  return attention(queries, keys, values, {.lengths = lengths});
}

Variable DotProductAttention::forward(const Variable& x, const Context&) {
  return forward(x, x, x, Tensor());
}

MultiHeadAttention::MultiHeadAttention(int64_t width, int64_t heads, const LayerInit& init,
                                       Linear::Bias bias)
    : width_(width),
      heads_(heads),
      qkv_(add<Linear>("qkv", width, 3 * width, Activation::none, init, bias)),
      output_(add<Linear>("output", width, width, Activation::none, init, bias)) {
  check(heads >= 1 && width % heads == 0, "multi-head attention: width ", width,
        " is not a multiple of ", heads, " heads");
}

Variable MultiHeadAttention::forward(const Variable& queries, const Variable& keys,
                                     const Variable& values, const Tensor& lengths) {
  const ScopeGuard scope(own_scope());
  const Variable q = qkv_->forward_part(queries, 0, width_);
  const Variable k = qkv_->forward_part(keys, width_, 2 * width_);
  const Variable v = qkv_->forward_part(values, 2 * width_, 3 * width_);
  return (*output_)(attention(q, k, v, {heads_, lengths}), {});
}

Variable MultiHeadAttention::forward(const Variable& x, const Tensor& lengths,
                                     const Context& context) {
  const ScopeGuard scope(own_scope());
  return (*output_)(self_attention((*qkv_)(x, context), {heads_, lengths}), context);
}

Variable MultiHeadAttention::forward(const Variable& x, const Context& context) {
  return forward(x, Tensor(), context);
}

FeedForward::FeedForward(int64_t width, int64_t hidden, const LayerInit& init)
    : hidden_(add<Linear>("hidden", width, hidden, Activation::none, init)),
      output_(add<Linear>("output", hidden, width, Activation::none, init)) {}

Variable FeedForward::forward(const Variable& x, const Context& context) {
  return (*output_)(gelu((*hidden_)(x, context)), context);
}

TransformerEncoderBlock::TransformerEncoderBlock(const Options& options)
    : norm1_(add<LayerNorm>("norm1", options.width)),
      attention_(add<MultiHeadAttention>("attention", options.width, options.heads, options.init)),
      norm2_(add<LayerNorm>("norm2", options.width)),
      mlp_(add<FeedForward>("mlp", options.width, options.hidden, options.init)) {}

Variable TransformerEncoderBlock::forward(const Variable& x, const Context& context) {
  const Variable y = x + (*attention_)((*norm1_)(x, context), context);
  return y + (*mlp_)((*norm2_)(y, context), context);
}

}  // namespace d2l::nn
