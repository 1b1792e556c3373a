#pragma once

#include <algorithm>
#include <cmath>

#include "tests/backend/cases/compare.h"

namespace d2l::test {

// The kernels of attention in doubles.
struct PlainAttention {
  // Softmax of the first `length` elements, 0 for the rest; uniform if the length is 0 or less.
  static Doubles weights_of(const Doubles& scores, int64_t length);
  // The gradient of the scores.
  static Doubles slopes_of(const Doubles& weights, int64_t length, const Doubles& grad);

  void masked_softmax(const ConstView& x, const ConstView& lengths, const View& y) const;
  void masked_softmax_backward(const ConstView& y, const ConstView& lengths,
                               const ConstView& grad_y, const View& grad_x) const;
  void attention(const AttentionParams& params, const Backend::AttentionOperands& in, View kept,
                 const View& y) const;
  void attention_backward(const AttentionParams& params, const Backend::AttentionOperands& in,
                          const View& kept, const ConstView& grad_y,
                          const Backend::AttentionGradients& gradients) const;
};

// The default implementations in Backend.
struct ComposedAttention {
  Backend& on;

  void masked_softmax(const ConstView& x, const ConstView& lengths, const View& y) {
    on.Backend::do_masked_softmax(x, lengths, y);
  }
  void masked_softmax_backward(const ConstView& y, const ConstView& lengths,
                               const ConstView& grad_y, const View& grad_x) {
    on.Backend::do_masked_softmax_backward(y, lengths, grad_y, grad_x);
  }
  void attention(const AttentionParams& params, const Backend::AttentionOperands& in,
                 const View& kept, const View& y) {
    on.Backend::do_attention(params, in, kept, y);
  }
  void attention_backward(const AttentionParams& params, const Backend::AttentionOperands& in,
                          const View& kept, const ConstView& grad_y,
                          const Backend::AttentionGradients& gradients) {
    on.Backend::do_attention_backward(params, in, kept, grad_y, gradients);
  }
};

}  // namespace d2l::test
