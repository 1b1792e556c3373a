#pragma once

#include "framework/backend/backend.h"
#include "framework/backend/cpu/dnnl_engine.h"

namespace d2l::cpu {

// Backend on the host's cores. Matrix products and most convolutions are oneDNN's (dnnl_*.cpp); the
// rest are loops over flat arrays, one file per family.
class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, MemoryPool* memory);

  Device device() const override { return {DeviceKind::cpu, 0}; }
  std::string describe() const override;
  bool computes(DType dtype) const override;
  std::string describe_products(DType activations) const override;

  MemoryPool& pool() override { return pool_; }
  void copy_from_host(const void* host, View out) override;
  void copy_to_host(ConstView in, void* host) override;
  void synchronize() override {}
  MemoryPool& staging() override { return pool_; }
  uint64_t mark() override { return 0; }
  void wait_for(uint64_t, const std::function<void()>&) override {}
  void send(const void* host, View out, uint64_t) override { copy_from_host(host, out); }
  void receive() override {}

  // copies.cpp
  void fill(View out, double value) override;
  void copy(const ConstStridedView& in, const StridedView& out, bool accumulate) override;
  void gather_rows(ConstView table, ConstView indices, View out) override;
  void scatter_add_rows(ConstView rows, ConstView indices, View table) override;

  // elementwise.cpp
  void unary(Unary op, ConstView x, View y) override;
  void unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y, View grad_x) override;
  void binary(Binary op, ConstView a, ConstView b, View out) override;
  void binary_scalar(Binary op, ConstView a, double b, View out) override;
  void scalar_binary(Binary op, double a, ConstView b, View out) override;
  void compare(Compare op, ConstView a, ConstView b, View out) override;
  void axpby(double alpha, ConstView x, double beta, View y) override;

  // dropout.cpp
  void dropout(const DropoutParams& params, ConstView x, View y) override;

  // images.cpp
  void prepare_images(const ImageParams& params, const ImageOperands& in, View y) override;

  // reductions.cpp
  void reduce(Reduction op, ConstView x, View y) override;
  // scans.cpp
  void argmax(ConstView x, int axis, View indices) override;
  void cumsum(ConstView x, int axis, bool reverse, View y) override;

  // dnnl_matmul.cpp
  void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
              View out) override;

  // dnnl_convolution.cpp; convolutions with few channels in direct_*.cpp
  void conv2d(const Conv2dParams& params, const ConvOperands& in, View y) override;
  void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                             View grad_x, bool accumulate) override;
  void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                              View grad_weight, View grad_bias) override;
  void conv2d_pool(const ConvPoolParams& params, const ConvOperands& in, const ConvKept& kept,
                   View y) override;
  void conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                            const ConvKept& kept, ConstView grad_y,
                            const ConvGradients& gradients) override;

  // pooling.cpp
  void pool2d(const Pool2dParams& params, ConstView x, View y, View winners) override;
  void pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                       View grad_x) override;
  void activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                 ConstView winners, View grad_x) override;

  // batch_norm.cpp
  void batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                             const NormRunning& running) override;
  void batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                        const NormStatistics& given, View y, View mask) override;
  // batch_norm_gradient.cpp
  void batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                const NormStatistics& of_batch, const NormOutput& out,
                                const NormGradients& gradients) override;
  void batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                 const NormStatistics& of_batch, const NormOutput& out,
                                 const NormGradients& gradients) override;

  // layer_norm.cpp
  void layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                  const NormStatistics& of_rows) override;
  void layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                           const NormStatistics& of_rows, ConstView grad_y,
                           const NormGradients& gradients) override;

  // masked_softmax.cpp
  void masked_softmax(ConstView x, ConstView lengths, View y) override;
  void masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                               View grad_x) override;
  // attention.cpp
  void attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                 View y) override;
  void attention_backward(const AttentionParams& params, const AttentionOperands& in,
                          ConstView kept, ConstView grad_y,
                          const AttentionGradients& gradients) override;

  // softmax.cpp
  void softmax(ConstView x, View y) override;
  void softmax_backward(ConstView y, ConstView grad_y, View grad_x) override;
  void log_softmax(ConstView x, View y) override;
  void log_softmax_backward(ConstView y, ConstView grad_y, View grad_x) override;

  // cross_entropy.cpp
  void cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                     View correct) override;
  void cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView grad_losses,
                              View grad_logits) override;

  // optimizers.cpp
  void sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity) override;
  void adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                 View square) override;
  void lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                      View square) override;
  void norms(StepRanges ranges, ConstView x, View norms) override;

 private:
  MemoryPool own_pool_;
  MemoryPool& pool_;
  DnnlEngine dnnl_{pool_};
};

}  // namespace d2l::cpu
