#pragma once

#include <cstdint>
#include <functional>

#include "framework/backend/formulas.h"
#include "framework/backend/kernel_observer.h"
#include "framework/backend/params.h"
#include "framework/backend/view.h"

namespace d2l {

enum class Reduction { sum, mean, max, min };
enum class SoftmaxForm { plain, logarithm };

// The kernels of a device. They write into outputs that the caller allocates, trust the shapes (the
// caller has checked them once) and take scratch memory from the device's pool. Unless a comment
// says otherwise: elements are f32; outputs do not overlap inputs; the previous content of an
// output is ignored. Where a comment says "activations", these and their gradients may all be bf16,
// or f16 if the device supports it; parameters, their gradients and statistics stay f32. One thread
// queues all kernels; they run in that order.
//
// Each public function reports its cost to the observer, if there is one, and calls the device's
// do_...(). Kernels that a kernel calls are part of its cost. kernels.cpp computes the costs.
class Kernels {
 public:
  virtual ~Kernels() = default;

  // nullptr removes the observer. It must outlive this object otherwise.
  void set_observer(KernelObserver* observer) { observer_ = observer; }
  bool is_observed() const { return observer_ != nullptr; }
  // A dry run computes nothing: it leaves outputs unchanged and never touches their memory.
  bool is_dry_run() const { return mode_ == Mode::dry_run; }

  // Rounds `values` (f32) to `dtype` once. Until the next call, products that multiply parts of
  // `values` in `dtype` may use this copy instead of making their own; `values` must not change
  // until then. {} ends this. See RoundedOnce.
  void round_once(ConstView values, DType dtype);

  // --- copies ---
  void fill(View out, double value);  // any dtype
  // Any strides and dtypes: slices, steps, permutations, broadcasts (stride 0) and casts. Shapes
  // are equal. `accumulate` adds instead of overwriting (both sides f32).
  void copy(const ConstStridedView& in, const StridedView& out, bool accumulate);
  // out[i, :] = table[indices[i], :]. indices are i64; the caller has checked their range.
  void gather_rows(ConstView table, ConstView indices, View out);
  // table[indices[i], :] += rows[i, :], in the order of i.
  void scatter_add_rows(ConstView rows, ConstView indices, View table);

  // --- element-wise; outputs may be one of the inputs; activations, except in compare ---
  void unary(Unary op, ConstView x, View y);
  // grad_x = grad_y * dy/dx; for the activations only y is read and x may be {}.
  void unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y, View grad_x);
  // a and b broadcast to out.shape.
  void binary(Binary op, ConstView a, ConstView b, View out);
  void binary_scalar(Binary op, ConstView a, double b, View out);  // a op b
  void scalar_binary(Binary op, double a, ConstView b, View out);  // a op b
  // out is u8: 1 where the comparison is true. a and b broadcast to out.shape.
  void compare(Compare op, ConstView a, ConstView b, View out);
  // y = alpha x + beta y; y is not read when beta is 0.
  void axpby(double alpha, ConstView x, double beta, View y);
  void dropout(const DropoutParams& params, ConstView x, View y);

  // --- images ---
  // y (activations) = x (u8, [n, h, w, c]) / 255, cropped and mirrored as params says, then (x /
  // 255 - mean) / deviation if these are given, [c] each. Padding around an image is bytes of 0.
  // samples, i64 [n], are the numbers of the images for random choices; {} if nothing is random.
  struct ImageOperands {
    ConstView x, samples, mean, deviation;
  };
  void prepare_images(const ImageParams& params, const ImageOperands& in, View y);

  // --- reductions; the order of additions does not depend on the number of threads ---
  // y.shape is x.shape with the reduced axes set to 1.
  void reduce(Reduction op, ConstView x, View y);
  // indices (i64) has x.shape without `axis`; the first of equal values wins.
  void argmax(ConstView x, int axis, View indices);
  void cumsum(ConstView x, int axis, bool reverse, View y);

  // --- linear algebra; bias [n] may be {}; a, b and out may each have the activations' type ---
  void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias, View out);

  // --- convolution: x [n, h, w, c], weight [o, kh, kw, c], bias [o] or {}, y [n, oh, ow, o]; x and
  // y are activations ---
  struct ConvOperands {
    ConstView x, weight, bias;  // bias may be {}
  };
  void conv2d(const Conv2dParams& params, const ConvOperands& in, View y);
  // Both ignore params.activation: grad_y is the gradient before the activation. `accumulate` adds
  // to grad_x instead of overwriting it.
  void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                             View grad_x, bool accumulate);
  // grad_bias may be {}.
  void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                              View grad_weight, View grad_bias);

  // --- pooling of activations: x [n, h, w, c], y [n, oh, ow, c]; max: windows of at most 255
  // elements ---
  // winners (u8, y.shape) receives the position of the maximum inside its window, row by row; only
  // max uses it, and it may be {}. The first of equal values wins.
  void pool2d(const Pool2dParams& params, ConstView x, View y, View winners);
  void pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                       View grad_x);

  // --- conv2d, then pool2d of its result, fused; the default implementation defines the result ---
  // What the gradient needs, in a layout that the backend defines: an array of the size of conv2d's
  // result and, for max, the winners.
  struct ConvKept {
    View conv, winners;
  };
  void conv2d_pool(const ConvPoolParams& params, const ConvOperands& in, const ConvKept& kept,
                   View y);
  struct ConvGradients {
    View x, weight, bias;  // x and bias may be {}
  };
  void conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                            const ConvKept& kept, ConstView grad_y, const ConvGradients& gradients);
  // grad_x = the gradient before the activation. y is the activation's result, the pooling's input.
  void activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                 ConstView winners, View grad_x);

  // --- batch normalisation over all axes but the last: x, residual, y [..., c], all others [c]; x,
  // residual and y are activations ---
  // y = activation((x - mean) / sqrt(variance + epsilon) gamma + beta + residual). Split into steps
  // so that ranks can combine their statistics (synchronised batch norm).
  struct NormOperands {
    ConstView x, gamma, beta, residual;  // residual may be {}
  };
  struct NormStatistics {
    View mean, variance;  // biased
  };
  // Running statistics: new = (1 - momentum) old + momentum batch, with the batch's unbiased
  // variance. {} if there are none.
  struct NormRunning {
    View mean, variance;
    double momentum = 0;

    void follow(Kernels& on, const NormStatistics& of_batch, int64_t rows) const;
  };
  // Also updates `running`, unless x is empty.
  void batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                             const NormRunning& running);
  // The size in bytes of the mask (u8) of y that batch_norm_apply can keep for the gradient, in a
  // layout that the backend defines. 0 if the gradient needs no mask: it reads y, or neither.
  virtual int64_t batch_norm_mask_bytes(const BatchNormParams& params,
                                        const NormOperands& in) const = 0;
  // mask may be {}.
  void batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                        const NormStatistics& given, View y, View mask);
  struct NormOutput {
    ConstView y, grad_y;
    ConstView mask = {};  // y may be {} where there is one
  };
  // before: the gradient before the activation, which is also the residual's gradient. It may be {}
  // if the backward pass does not need y: without an activation, or with ReLU and no residual.
  struct NormGradients {
    View x, gamma, beta, before;
    int64_t rows = 0;  // that gamma and beta sum over
  };
  // Writes gradients.gamma, beta and before.
  void batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                const NormStatistics& of_batch, const NormOutput& out,
                                const NormGradients& gradients);
  // Writes gradients.x from these sums. Reads only grad_y of `out`, and only if there is no
  // gradients.before.
  void batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                 const NormStatistics& of_batch, const NormOutput& out,
                                 const NormGradients& gradients);

  // --- layer normalisation over the last axis: x, y [..., c], gamma and beta [c], statistics
  // [...], one per row; the default implementation defines the result ---
  void layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                  const NormStatistics& of_rows);
  void layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                           const NormStatistics& of_rows, ConstView grad_y,
                           const NormGradients& gradients);

  // --- attention; the default implementation defines the result ---
  // Softmax of the first lengths[row] elements of each row; exactly 0 for the others. A row of
  // length 0 is uniform. x and y [b, q, k], lengths (i64) [b] or [b, q].
  void masked_softmax(ConstView x, ConstView lengths, View y);
  // The gradient is 0 for masked elements.
  void masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y, View grad_x);
  // queries [b, n, heads * d], keys [b, m, heads * d], values [b, m, heads * e]; the last axis has
  // stride 1. lengths as above; {}: nothing is masked.
  struct AttentionOperands {
    ConstStridedView queries, keys, values;
    ConstView lengths;
  };
  // For each head softmax(queries keys^T / sqrt(d)) values: y [b, n, heads * e]. kept [b, heads, n]
  // holds what the backend's gradient needs.
  void attention(const AttentionParams& params, const AttentionOperands& in, View kept, View y);
  struct AttentionGradients {
    StridedView queries, keys, values;
  };
  void attention_backward(const AttentionParams& params, const AttentionOperands& in,
                          ConstView kept, ConstView grad_y, const AttentionGradients& gradients);

  // --- softmax and its losses, over the last axis ---
  void softmax(ConstView x, View y);
  void softmax_backward(ConstView y, ConstView grad_y, View grad_x);
  void log_softmax(ConstView x, View y);
  void log_softmax_backward(ConstView y, ConstView grad_y, View grad_x);
  // logits [n, c], labels i64 [n] in [0, c). losses [n] = -log softmax(logits)[label];
  // probabilities [n, c] = softmax(logits); correct [n] = 1 where the first largest logit is the
  // label.
  void cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                     View correct);
  // grad_logits = (probabilities - one_hot(labels)) * grad_losses[n] (one factor per row).
  void cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView grad_losses,
                              View grad_logits);

  // --- optimizers: one pass over flat arrays [n] ---
  // velocity may be {} when momentum is 0.
  void sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity);
  void adam_step(const AdamParams& params, ConstView gradient, View value, View mean, View square);
  // The first half of LAMB (You et al., 2019): updates mean and square as Adam does; gradient
  // becomes the direction m / (sqrt(s) + epsilon) + weight_decay w, with bias-corrected m and s.
  void lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                      View square);
  // norms[i] = the L2 norm of x[ranges[i]]. The order of additions does not depend on the number of
  // threads.
  void norms(StepRanges ranges, ConstView x, View norms);

 protected:
  enum class Mode { compute, dry_run };
  explicit Kernels(Mode mode = Mode::compute) : mode_(mode) {}
  // nullptr if there is none. May be called only from do_...().
  KernelObserver* observer() const { return observer_; }

 private:
  virtual void do_round_once(ConstView values, DType dtype) = 0;
  virtual void do_fill(View out, double value) = 0;
  virtual void do_copy(const ConstStridedView& in, const StridedView& out, bool accumulate) = 0;
  virtual void do_gather_rows(ConstView table, ConstView indices, View out) = 0;
  virtual void do_scatter_add_rows(ConstView rows, ConstView indices, View table) = 0;
  virtual void do_unary(Unary op, ConstView x, View y) = 0;
  virtual void do_unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y,
                                 View grad_x) = 0;
  virtual void do_binary(Binary op, ConstView a, ConstView b, View out) = 0;
  virtual void do_binary_scalar(Binary op, ConstView a, double b, View out) = 0;
  virtual void do_scalar_binary(Binary op, double a, ConstView b, View out) = 0;
  virtual void do_compare(Compare op, ConstView a, ConstView b, View out) = 0;
  virtual void do_axpby(double alpha, ConstView x, double beta, View y) = 0;
  virtual void do_dropout(const DropoutParams& params, ConstView x, View y) = 0;
  virtual void do_prepare_images(const ImageParams& params, const ImageOperands& in, View y) = 0;
  virtual void do_reduce(Reduction op, ConstView x, View y) = 0;
  virtual void do_argmax(ConstView x, int axis, View indices) = 0;
  virtual void do_cumsum(ConstView x, int axis, bool reverse, View y) = 0;
  virtual void do_matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                         View out) = 0;
  virtual void do_conv2d(const Conv2dParams& params, const ConvOperands& in, View y) = 0;
  virtual void do_conv2d_backward_input(const Conv2dParams& params, ConstView grad_y,
                                        ConstView weight, View grad_x, bool accumulate) = 0;
  virtual void do_conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                                         View grad_weight, View grad_bias) = 0;
  virtual void do_pool2d(const Pool2dParams& params, ConstView x, View y, View winners) = 0;
  virtual void do_pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                                  View grad_x) = 0;
  virtual void do_conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                              const ConvKept& kept, View y) = 0;
  virtual void do_conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                       const ConvKept& kept, ConstView grad_y,
                                       const ConvGradients& gradients) = 0;
  virtual void do_activated_pool2d_backward(const ConvPoolParams& params, ConstView y,
                                            ConstView grad_y, ConstView winners, View grad_x) = 0;
  virtual void do_batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                                        const NormRunning& running) = 0;
  virtual void do_batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                                   const NormStatistics& given, View y, View mask) = 0;
  virtual void do_batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                           const NormStatistics& of_batch, const NormOutput& out,
                                           const NormGradients& gradients) = 0;
  virtual void do_batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                            const NormStatistics& of_batch, const NormOutput& out,
                                            const NormGradients& gradients) = 0;
  virtual void do_layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                             const NormStatistics& of_rows) = 0;
  virtual void do_layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                                      const NormStatistics& of_rows, ConstView grad_y,
                                      const NormGradients& gradients) = 0;
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
  virtual void do_sgd_step(const SgdParams& params, ConstView gradient, View value,
                           View velocity) = 0;
  virtual void do_adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                            View square) = 0;
  virtual void do_lamb_direction(const AdamParams& params, View gradient, ConstView value,
                                 View mean, View square) = 0;
  virtual void do_norms(StepRanges ranges, ConstView x, View norms) = 0;

  template <class Run>
  void observed(const KernelCost& cost, const Run& run);

  Mode mode_;
  KernelObserver* observer_ = nullptr;
  bool is_inside_ = false;  // inside an observed kernel
};

}  // namespace d2l
