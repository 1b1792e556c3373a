#pragma once

#include "framework/backend/backend.h"
#include "framework/backend/cpu/dnnl_engine.h"

namespace d2l::cpu {

// The backend on the host's cores. Matrix products use oneDNN (dnnl_matmul.cpp); convolutions are
// in their own folder (convolution/README.md); all others are loops over flat arrays, one file per
// family.
class CpuBackend : public Backend {
 public:
  CpuBackend(int threads, MemoryPool* memory, CpuSums sums);

  Device device() const override { return {DeviceKind::cpu, 0}; }
  std::string describe() const override;
  bool computes(DType dtype) const override;
  std::string describe_products(DType activations) const override;

  MemoryPool& pool() override { return pool_; }
  void copy_from_host(const void* host, View out) override;
  void copy_to_host(ConstView in, void* host) override;
  void synchronize() override {}
  MemoryPool& staging() override { return pool_; }
  uint64_t record_event() override { return 0; }
  void wait_event(uint64_t, const std::function<void()>&) override {}
  void upload_async(const void* host, View out, uint64_t) override { copy_from_host(host, out); }
  void await_uploads() override {}

  // copies.cpp
  void do_fill(View out, double value) override;
  void do_copy(const ConstStridedView& in, const StridedView& out, bool accumulate) override;
  void do_gather_rows(ConstView table, ConstView indices, View out) override;
  void do_scatter_add_rows(ConstView rows, ConstView indices, View table) override;

  // elementwise.cpp
  void do_unary(Unary op, ConstView x, View y) override;
  void do_unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y,
                         View grad_x) override;
  void do_binary(Binary op, ConstView a, ConstView b, View out) override;
  void do_binary_scalar(Binary op, ConstView a, double b, View out) override;
  void do_scalar_binary(Binary op, double a, ConstView b, View out) override;
  void do_compare(Compare op, ConstView a, ConstView b, View out) override;
  void do_axpby(double alpha, ConstView x, double beta, View y) override;

  // dropout.cpp
  void do_dropout(const DropoutParams& params, ConstView x, View y) override;

  // images.cpp
  void do_prepare_images(const ImageParams& params, const ImageOperands& in, View y) override;

  // reductions.cpp
  void do_reduce(Reduction op, ConstView x, View y) override;
  // scans.cpp
  void do_argmax(ConstView x, int axis, View indices) override;
  void do_cumsum(ConstView x, int axis, bool reverse, View y) override;

  // dnnl_matmul.cpp
  void do_matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                 View out) override;

  // convolution/convolution.cpp
  void do_conv2d(const Conv2dParams& params, const ConvOperands& in, View y) override;
  void do_conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                                View grad_x, bool accumulate) override;
  void do_conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                                 View grad_weight, View grad_bias) override;
  void do_conv2d_pool(const ConvPoolParams& params, const ConvOperands& in, const ConvKept& kept,
                      View y) override;
  void do_conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                               const ConvKept& kept, ConstView grad_y,
                               const ConvGradients& gradients) override;

  // pooling.cpp
  void do_pool2d(const Pool2dParams& params, ConstView x, View y, View winners) override;
  void do_pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                          View grad_x) override;
  void do_activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                    ConstView winners, View grad_x) override;

  // batch_norm.cpp
  void do_batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                                const NormRunning& running) override;
  void do_batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                           const NormStatistics& given, View y, View mask) override;
  // batch_norm_gradient.cpp
  void do_batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                   const NormStatistics& of_batch, const NormOutput& out,
                                   const NormGradients& gradients) override;
  void do_batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                    const NormStatistics& of_batch, const NormOutput& out,
                                    const NormGradients& gradients) override;

  // layer_norm.cpp
  void do_layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                     const NormStatistics& of_rows) override;
  void do_layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                              const NormStatistics& of_rows, ConstView grad_y,
                              const NormGradients& gradients) override;

  // masked_softmax.cpp
  void do_masked_softmax(ConstView x, ConstView lengths, View y) override;
  void do_masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                  View grad_x) override;
  // attention.cpp
  void do_attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                    View y) override;
  void do_attention_backward(const AttentionParams& params, const AttentionOperands& in,
                             ConstView kept, ConstView grad_y,
                             const AttentionGradients& gradients) override;

  // softmax.cpp
  void do_softmax(SoftmaxForm form, ConstView x, View y) override;
  void do_softmax_backward(SoftmaxForm form, ConstView y, ConstView grad_y, View grad_x) override;

  // cross_entropy.cpp
  void do_cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                        View correct) override;
  void do_cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView grad_losses,
                                 View grad_logits) override;

  // optimizers.cpp
  void do_sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity) override;
  void do_adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                    View square) override;
  void do_lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                         View square) override;
  void do_norms(StepRanges ranges, ConstView x, View norms) override;

 protected:
  // For dry runs: does not change the calling thread's team.
  explicit CpuBackend(MemoryPool& memory);

 private:
  MemoryPool own_pool_;
  MemoryPool& pool_;
  DnnlEngine dnnl_;
};

}  // namespace d2l::cpu
