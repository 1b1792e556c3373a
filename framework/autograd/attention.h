#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

// Attention (chapter 10.3; Vaswani et al., 2017). `lengths` says how many of the keys (the first
// ones) are valid: i64 [b], or [b, n] for each query; undefined: all are valid. If a length is 0 or
// less, the weights are uniform, whatever the scores, as with scores of -1e6.

// Softmax over the last axis of scores [b, q, k]; masked positions get exactly 0.
Variable masked_softmax(const Variable& scores, const Tensor& lengths);

// Heads are adjacent along the last axis, so the results of projections need no rearranging.
struct AttentionOptions {
  int64_t heads = 1;
  Tensor lengths = {};
};

// softmax(queries keys^T / sqrt(d)) values for each head: queries [b, n, heads * d], keys
// [b, m, heads * d], values [b, m, heads * e] -> [b, n, heads * e].
Variable attention(const Variable& queries, const Variable& keys, const Variable& values,
                   const AttentionOptions& options = {});

// The same with queries, keys and values adjacent in one tensor: packed [b, n, 3 w] -> [b, n, w].
Variable self_attention(const Variable& packed, const AttentionOptions& options = {});

}  // namespace d2l
