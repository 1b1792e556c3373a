#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "framework/backend/formulas.h"
#include "framework/backend/memory_pool.h"
#include "framework/backend/params.h"
#include "framework/backend/view.h"
#include "framework/base/device.h"

namespace d2l {

enum class Reduction { sum, mean, max, min };

// How a device computes. Kernels write into outputs that they are given, trust the shapes (the
// function above has checked them once) and take scratch memory from the pool. Unless a comment
// says otherwise elements are f32; where it says "activations", these (and their gradients) may all
// be bf16 instead, or f16 where the device computes it, while parameters, their gradients and
// statistics stay f32; outputs do not overlap inputs, and an output may hold anything before. Calls
// are queued in order; results are there for the host after synchronize(). One thread calls a
// backend's kernels; the pool and the host copies may be used from any.
class Backend {
 public:
  virtual ~Backend() = default;

  virtual Device device() const = 0;
  virtual std::string describe() const = 0;  // "CPU, AVX-512, oneDNN 2.6.3"
  // Whether activations may be of this type: f32 always, bf16 and f16 where the device multiplies
  // them.
  virtual bool computes(DType dtype) const = 0;
  // How it multiplies activations of this type, and why, as a sentence; "" where there is nothing
  // to choose.
  virtual std::string describe_products(DType activations) const;

  // --- memory ---
  virtual MemoryPool& pool() = 0;
  // Both may still read and write the host's memory until synchronize().
  virtual void copy_from_host(const void* host, View out) = 0;
  virtual void copy_to_host(ConstView in, void* host) = 0;
  virtual void synchronize() = 0;
  // Memory of the host, copies from and to which go on beside the host's work.
  virtual MemoryPool& staging() = 0;
  // A mark behind all that has been queued; wait_for(mark) returns when that is done. Until then it
  // calls `meanwhile` now and then, which may throw.
  virtual uint64_t mark() = 0;
  virtual void wait_for(uint64_t mark, const std::function<void()>& meanwhile = {}) = 0;
  // Copies from staging() that travel beside the kernels, in an order of their own: one begins when
  // all before the mark `after` is done. What is queued behind receive() waits for all that has
  // been sent.
  virtual void send(const void* host, View out, uint64_t after) = 0;
  virtual void receive() = 0;
  // Until the next call, products may take what they multiply in `dtype` out of `values` (f32,
  // which must stay as it is) from one copy that is made now, instead of a copy for each product.
  // {}: not any more. See RoundedOnce.
  virtual void round_once(ConstView values, DType dtype);

  // --- recording: work that is queued once and repeated for next to nothing ---
  class Recording {
   public:
    virtual ~Recording() = default;
    virtual std::string describe() const = 0;  // "a CUDA graph of 120 nodes"
    // Queues it all: the same kernels, numbers and memory. false: nothing was queued, since the
    // backend is to see the work itself.
    virtual bool replay() = 0;
  };
  // What `work` queues, which does not run yet. Memory that `work` takes and gives back belongs to
  // the replays: others must be kept out of it (MemoryPool::use_part). Throws Error for work that
  // waits for the device or copies from or to the host. nullptr, and no call of `work`, where the
  // device has no use for it.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work);

  // --- copies ---
  virtual void fill(View out, double value) = 0;  // any dtype
  // Any strides and dtypes: slices, steps, permutations, broadcasts (stride 0) and casts. Shapes
  // are equal. `accumulate` adds instead of overwriting (f32 on both sides).
  virtual void copy(const ConstStridedView& in, const StridedView& out, bool accumulate) = 0;
  // out[i, :] = table[indices[i], :]; indices are i64 and have been checked.
  virtual void gather_rows(ConstView table, ConstView indices, View out) = 0;
  // table[indices[i], :] += rows[i, :], in the order of i.
  virtual void scatter_add_rows(ConstView rows, ConstView indices, View table) = 0;

  // --- element-wise; outputs may be one of the inputs; activations, except in compare ---
  virtual void unary(Unary op, ConstView x, View y) = 0;
  // grad_x = grad_y * dy/dx; for the activations only y is read and x may be {}.
  virtual void unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y,
                              View grad_x) = 0;
  // a and b broadcast to out.shape.
  virtual void binary(Binary op, ConstView a, ConstView b, View out) = 0;
  virtual void binary_scalar(Binary op, ConstView a, double b, View out) = 0;  // a op b
  virtual void scalar_binary(Binary op, double a, ConstView b, View out) = 0;  // a op b
  // out is u8, 1 where it holds; a and b broadcast to out.shape.
  virtual void compare(Compare op, ConstView a, ConstView b, View out) = 0;
  // y = alpha x + beta y; y is not read when beta is 0.
  virtual void axpby(double alpha, ConstView x, double beta, View y) = 0;
  virtual void dropout(const DropoutParams& params, ConstView x, View y) = 0;

  // --- images ---
  // y (activations) = x (u8, [n, h, w, c]) / 255, cut and mirrored as params says, and
  // (x / 255 - mean) / deviation where these are given, [c] each; the zeros around an image count
  // as its bytes. samples, i64 [n], number the images for what is drawn; {} where nothing is.
  struct ImageOperands {
    ConstView x, samples, mean, deviation;
  };
  virtual void prepare_images(const ImageParams& params, const ImageOperands& in, View y) = 0;

  // --- reductions; the order of additions does not depend on the number of threads ---
  // y.shape is x.shape with the reduced axes set to 1.
  virtual void reduce(Reduction op, ConstView x, View y) = 0;
  // indices (i64) has x.shape without `axis`; the first of equal values wins.
  virtual void argmax(ConstView x, int axis, View indices) = 0;
  virtual void cumsum(ConstView x, int axis, bool reverse, View y) = 0;

  // --- linear algebra; bias [n] may be {}; a, b and out may each be of the activations' type ---
  virtual void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                      View out) = 0;

  // --- convolution: x [n, h, w, c], weight [o, kh, kw, c], bias [o] or {}, y [n, oh, ow, o]; x and
  // y are activations ---
  struct ConvOperands {
    ConstView x, weight, bias;  // bias may be {}
  };
  virtual void conv2d(const Conv2dParams& params, const ConvOperands& in, View y) = 0;
  // params.activation is ignored by both: grad_y is the gradient before the activation.
  // `accumulate` adds to grad_x instead of overwriting it.
  virtual void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                                     View grad_x, bool accumulate) = 0;
  // grad_bias may be {}.
  virtual void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                                      View grad_weight, View grad_bias) = 0;

  // --- pooling of activations: x [n, h, w, c], y [n, oh, ow, c]; windows of at most 255 elements
  // for max ---
  // winners (u8, y.shape) gets the position inside the window, row by row; it may be {} and is only
  // used by max. The first of equal values wins.
  virtual void pool2d(const Pool2dParams& params, ConstView x, View y, View winners) = 0;
  virtual void pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                               View grad_x) = 0;

  // --- conv2d and pool2d of its result as one; the default bodies are what they mean ---
  // What the gradient needs, in an order of the backend's own: as much as conv2d's result, and for
  // max the winners.
  struct ConvKept {
    View conv, winners;
  };
  virtual void conv2d_pool(const ConvPoolParams& params, const ConvOperands& in,
                           const ConvKept& kept, View y);
  struct ConvGradients {
    View x, weight, bias;  // x and bias may be {}
  };
  virtual void conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                                    const ConvKept& kept, ConstView grad_y,
                                    const ConvGradients& gradients);
  // grad_x = the gradient before the activation whose result y was pooled.
  virtual void activated_pool2d_backward(const ConvPoolParams& params, ConstView y,
                                         ConstView grad_y, ConstView winners, View grad_x);

  // --- batch normalisation over all axes but the last: x, residual, y [..., c], the rest [c];
  // x, residual and y are activations ---
  // y = activation((x - mean) / sqrt(variance + epsilon) gamma + beta + residual). In steps,
  // between which ranks may share what they found.
  struct NormOperands {
    ConstView x, gamma, beta, residual;  // residual may be {}
  };
  struct NormStatistics {
    View mean, variance;  // biased
  };
  // Statistics over batches: new = (1 - momentum) old + momentum batch, with the batch's unbiased
  // variance; {} where there are none.
  struct NormRunning {
    View mean, variance;
    double momentum = 0;

    void follow(Backend& on, const NormStatistics& of_batch, int64_t rows) const;
  };
  // Moves `running` on too, unless x is empty.
  virtual void batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                                     const NormRunning& running) = 0;
  // Bytes of the mask (u8) of y that batch_norm_apply can leave for the gradient, in an order of
  // the backend's own; 0 where the gradient reads y instead, if anything.
  virtual int64_t batch_norm_mask_bytes(const BatchNormParams& params,
                                        const NormOperands& in) const;
  // mask may be {}.
  virtual void batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                                const NormStatistics& given, View y, View mask) = 0;
  struct NormOutput {
    ConstView y, grad_y;
    ConstView mask = {};  // y may be {} where there is one
  };
  // before: the gradient before the activation, which is the residual's too. It may be {} where
  // nothing depends on y: without an activation, and with ReLU without a residual.
  struct NormGradients {
    View x, gamma, beta, before;
    int64_t rows = 0;  // that gamma and beta are sums over
  };
  // Writes gradients.gamma, beta and before.
  virtual void batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                        const NormStatistics& of_batch, const NormOutput& out,
                                        const NormGradients& gradients) = 0;
  // Writes gradients.x from those; of `out` only grad_y is read, and only where there is no
  // gradients.before.
  virtual void batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                         const NormStatistics& of_batch, const NormOutput& out,
                                         const NormGradients& gradients) = 0;

  // --- layer normalisation over the last axis: x, y [..., c], gamma and beta [c], statistics
  // [...], one per row; the default bodies are what they mean ---
  virtual void layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                          const NormStatistics& of_rows);
  virtual void layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                                   const NormStatistics& of_rows, ConstView grad_y,
                                   const NormGradients& gradients);

  // --- attention; the default bodies are what they mean ---
  // Softmax of the first lengths[row] elements of each row, and exactly 0 for the others; a row
  // without any is uniform. x and y [b, q, k], lengths (i64) [b] or [b, q].
  virtual void masked_softmax(ConstView x, ConstView lengths, View y);
  // 0 wherever x does not count.
  virtual void masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                       View grad_x);
  // queries [b, n, heads * d], keys [b, m, heads * d], values [b, m, heads * e]; the last axis has
  // step 1. lengths as above, or {}: everything counts.
  struct AttentionOperands {
    ConstStridedView queries, keys, values;
    ConstView lengths;
  };
  // For each head softmax(queries keys^T / sqrt(d)) values: y [b, n, heads * e]. kept [b, heads, n]
  // is the backend's own note for the gradient.
  virtual void attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                         View y);
  struct AttentionGradients {
    StridedView queries, keys, values;
  };
  virtual void attention_backward(const AttentionParams& params, const AttentionOperands& in,
                                  ConstView kept, ConstView grad_y,
                                  const AttentionGradients& gradients);

  // --- softmax and its losses, over the last axis ---
  virtual void softmax(ConstView x, View y) = 0;
  virtual void softmax_backward(ConstView y, ConstView grad_y, View grad_x) = 0;
  virtual void log_softmax(ConstView x, View y) = 0;
  virtual void log_softmax_backward(ConstView y, ConstView grad_y, View grad_x) = 0;
  // logits [n, c], labels i64 [n] in [0, c). losses [n] = -log softmax(logits)[label];
  // probabilities [n, c] = softmax(logits); correct [n] = 1 where the first largest logit is the
  // label.
  virtual void cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                             View correct) = 0;
  // grad_logits = (probabilities - one_hot(labels)) * grad_losses[n] (one factor per row).
  virtual void cross_entropy_backward(ConstView probabilities, ConstView labels,
                                      ConstView grad_losses, View grad_logits) = 0;

  // --- optimizers: one pass over flat arrays [n] ---
  // velocity may be {} when momentum is 0.
  virtual void sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity) = 0;
  virtual void adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                         View square) = 0;
  // The first half of LAMB (You et al., 2019): mean and square move on as Adam's; gradient becomes
  // the direction m / (sqrt(s) + epsilon) + weight_decay w, with m and s corrected for their start.
  virtual void lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                              View square);
  // norms[i] = the root of the sum of squares over x[ranges[i]]; the order of additions does not
  // depend on the number of threads.
  virtual void norms(StepRanges ranges, ConstView x, View norms);
};

// threads: at least 1; the calling thread is one of them and the only one that may call kernels.
// memory: what its pool() is, another backend's staging(), say, which must outlive it; without it
// one of its own.
std::unique_ptr<Backend> make_cpu_backend(int threads, MemoryPool* memory = nullptr);

// The cores that its threads may run on, one bit each: available_cores(), unless OpenMP has bound
// this thread to one of several places (OMP_PROC_BIND).
std::vector<uint64_t> cores_for_threads();

}  // namespace d2l
