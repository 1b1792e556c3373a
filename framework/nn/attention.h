#pragma once

#include "framework/autograd/attention.h"
#include "framework/nn/layers.h"

namespace d2l::nn {

// Attention layers (chapter 10.3): each query gets a weighted average of the values. The first form
// of forward() takes queries [b, n, .], keys [b, m, .], values [b, m, .] and valid lengths (see
// framework/autograd/attention.h; undefined: no limit); only attention layers have it. forward(x,
// context) is self-attention: queries, keys and values are all x.

// Bahdanau et al., 2015: the score of query q and key k is w . tanh(query q + key k). Parameters
// query.weight [hidden, query size], key.weight [hidden, key size], score.weight [1, hidden].
class AdditiveAttention final : public Module {
 public:
  AdditiveAttention(int64_t query_size, int64_t key_size, int64_t hidden);
  Variable forward(const Variable& queries, const Variable& keys, const Variable& values,
                   const Tensor& lengths);
  Variable forward(const Variable& x, const Context& context) override;

 private:
  std::shared_ptr<Linear> query_, key_, score_;
};

// The score of query q and key k is q . k / sqrt(their size). No parameters.
class DotProductAttention final : public Module {
 public:
  Variable forward(const Variable& queries, const Variable& keys, const Variable& values,
                   const Tensor& lengths);
  Variable forward(const Variable& x, const Context& context) override;
};

// Vaswani et al., 2017: dot-product attention over `heads` projections in parallel, then a
// projection of the concatenated results. All sizes are `width`. Parameters qkv.weight [3 width,
// width] (the projections of queries, keys and values), qkv.bias, output.weight [width, width],
// output.bias.
class MultiHeadAttention final : public Module {
 public:
  MultiHeadAttention(int64_t width, int64_t heads, const LayerInit& init = {},
                     Linear::Bias bias = Linear::Bias::yes);
  Variable forward(const Variable& queries, const Variable& keys, const Variable& values,
                   const Tensor& lengths);
  Variable forward(const Variable& x, const Tensor& lengths, const Context& context);
  Variable forward(const Variable& x, const Context& context) override;

 private:
  int64_t width_, heads_;
  std::shared_ptr<Linear> qkv_, output_;
};

// Two linear layers with GELU between them, [..., width] -> [..., width]. Parameters hidden.weight
// [hidden, width], hidden.bias, output.weight [width, hidden], output.bias.
class FeedForward final : public Module {
 public:
  FeedForward(int64_t width, int64_t hidden, const LayerInit& init = {});
  Variable forward(const Variable& x, const Context& context) override;

 private:
  std::shared_ptr<Linear> hidden_, output_;
};

// x + attention(norm1(x)), then y + mlp(norm2(y)): [b, n, width] -> [b, n, width]. The layers are
// normalised at their inputs, which trains without a long warm-up (Xiong et al., 2020).
class TransformerEncoderBlock final : public Module {
 public:
  struct Options {
    int64_t width = 64;
    int64_t heads = 4;
    int64_t hidden = 256;  // of the feed-forward network
    LayerInit init = {};
  };
  explicit TransformerEncoderBlock(const Options& options);
  Variable forward(const Variable& x, const Context& context) override;

 private:
  std::shared_ptr<LayerNorm> norm1_;
  std::shared_ptr<MultiHeadAttention> attention_;
  std::shared_ptr<LayerNorm> norm2_;
  std::shared_ptr<FeedForward> mlp_;
};

}  // namespace d2l::nn
