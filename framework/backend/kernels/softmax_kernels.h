#pragma once

#include <cstdint>

#include "framework/backend/kernels/observed_kernels.h"
#include "framework/backend/params.h"
#include "framework/backend/traffic.h"

namespace d2l {

enum class SoftmaxForm { plain, logarithm };

// Softmax, attention and the cross-entropy loss. See Kernels.
class SoftmaxKernels : public virtual ObservedKernels {
 public:
  // --- attention; the default implementation defines the result ---
  // Softmax of the first lengths[row] elements of each row; exactly 0 for the others. A row of
  // length 0 is uniform. x and y [b, q, k], lengths (i64) [b] or [b, q].
  void masked_softmax(ConstView x, ConstView lengths, View y) {
    observed({"masked_softmax", Work::attention, moved({x, lengths}, {y})},
             [&] { do_masked_softmax(x, lengths, y); });
  }
  // The gradient is 0 for masked elements.
  void masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y, View grad_x) {
    observed({"masked_softmax_backward", Work::attention, moved({y, lengths, grad_y}, {grad_x})},
             [&] { do_masked_softmax_backward(y, lengths, grad_y, grad_x); });
  }
  // queries [b, n, heads * d], keys [b, m, heads * d], values [b, m, heads * e]; the last axis has
  // stride 1. lengths as above; {}: nothing is masked.
  struct AttentionOperands {
    ConstStridedView queries, keys, values;
    ConstView lengths;
  };
  // For each head softmax(queries keys^T / sqrt(d)) values: y [b, n, heads * e]. kept [b, heads, n]
  // holds what the backend's gradient needs.
  void attention(const AttentionParams& params, const AttentionOperands& in, View kept, View y) {
    observed({"attention", Work::attention,
              moved({in.queries, in.keys, in.values, in.lengths}, {kept, y}),
              attention_products(in), y.dtype},
             [&] { do_attention(params, in, kept, y); });
  }
  struct AttentionGradients {
    StridedView queries, keys, values;
  };
  void attention_backward(const AttentionParams& params, const AttentionOperands& in,
                          ConstView kept, ConstView grad_y, const AttentionGradients& gradients) {
    observed({"attention_backward", Work::attention,
              moved({in.queries, in.keys, in.values, in.lengths, kept, grad_y},
                    {gradients.queries, gradients.keys, gradients.values}),
              2 * attention_products(in), grad_y.dtype},
             [&] { do_attention_backward(params, in, kept, grad_y, gradients); });
  }

  // --- softmax and its losses, over the last axis ---
  void softmax(ConstView x, View y) {
    observed({"softmax", Work::element_wise, moved({x}, {y})},
             [&] { do_softmax(SoftmaxForm::plain, x, y); });
  }
  void softmax_backward(ConstView y, ConstView grad_y, View grad_x) {
    observed({"softmax_backward", Work::element_wise, moved({y, grad_y}, {grad_x})},
             [&] { do_softmax_backward(SoftmaxForm::plain, y, grad_y, grad_x); });
  }
  void log_softmax(ConstView x, View y) {
    observed({"log_softmax", Work::element_wise, moved({x}, {y})},
             [&] { do_softmax(SoftmaxForm::logarithm, x, y); });
  }
  void log_softmax_backward(ConstView y, ConstView grad_y, View grad_x) {
    observed({"log_softmax_backward", Work::element_wise, moved({y, grad_y}, {grad_x})},
             [&] { do_softmax_backward(SoftmaxForm::logarithm, y, grad_y, grad_x); });
  }
  // logits [n, c], labels i64 [n] in [0, c). losses [n] = -log softmax(logits)[label];
  // probabilities [n, c] = softmax(logits); correct [n] = 1 where the first largest logit is the
  // label.
  void cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                     View correct) {
    observed(
        {"cross_entropy", Work::loss, moved({logits, labels}, {losses, probabilities, correct})},
        [&] { do_cross_entropy(logits, labels, losses, probabilities, correct); });
  }
  // grad_logits = (probabilities - one_hot(labels)) * grad_losses[n] (one factor per row).
  void cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView grad_losses,
                              View grad_logits) {
    observed({"cross_entropy_backward", Work::loss,
              moved({probabilities, labels, grad_losses}, {grad_logits})},
             [&] { do_cross_entropy_backward(probabilities, labels, grad_losses, grad_logits); });
  }

 private:
  virtual void do_masked_softmax(ConstView x, ConstView lengths, View y) = 0;
  virtual void do_masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                          View grad_x) = 0;
  virtual void do_attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                            View y) = 0;
  virtual void do_attention_backward(const AttentionParams& params, const AttentionOperands& in,
                                     ConstView kept, ConstView grad_y,
                                     const AttentionGradients& gradients) = 0;
  virtual void do_softmax(SoftmaxForm form, ConstView x, View y) = 0;
  virtual void do_softmax_backward(SoftmaxForm form, ConstView y, ConstView grad_y,
                                   View grad_x) = 0;
  virtual void do_cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                                View correct) = 0;
  virtual void do_cross_entropy_backward(ConstView probabilities, ConstView labels,
                                         ConstView grad_losses, View grad_logits) = 0;

  static int64_t attention_products(const AttentionOperands& in) {
    const Shape &queries = in.queries.shape, &values = in.values.shape;
    return queries[0] * queries[1] * values[1] * (queries[2] + values[2]);
  }
};

}  // namespace d2l
