#pragma once

#include "framework/autograd/variable.h"

namespace d2l {

// Attention (chapter 10.3; Vaswani et al., 2017). Valid lengths say how many keys count, the first
// ones: i64 [b], or [b, n] for each query; undefined: all of them. Where a length is 0 or less, all
// keys count alike whatever their scores, which is what scores of -1e6 would give.

// Softmax over the last axis of scores [b, q, k]; positions that do not count get exactly 0.
Variable masked_softmax(const Variable& scores, const Tensor& lengths);

// Heads are neighbours along the last axis, so that the results of projections need no rearranging.
struct AttentionOptions {
  int64_t heads = 1;
  Tensor lengths = {};
};

// softmax(queries keys^T / sqrt(d)) values for each head: queries [b, n, heads * d], keys
// [b, m, heads * d], values [b, m, heads * e] -> [b, n, heads * e].
Variable attention(const Variable& queries, const Variable& keys, const Variable& values,
                   const AttentionOptions& options = {});

// The same with all three side by side in one tensor: packed [b, n, 3 w] -> [b, n, w].
Variable self_attention(const Variable& packed, const AttentionOptions& options = {});

}  // namespace d2l
