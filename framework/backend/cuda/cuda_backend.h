#pragma once

#include <array>
#include <memory>
#include <optional>

#include "framework/backend/backend.h"
#include "framework/backend/cuda/products.h"
#include "framework/backend/cuda/queue.h"
#include "framework/backend/cuda_module.h"
#include "framework/backend/scratch.h"

namespace d2l::cuda {

// The backend on one GPU. Convolutions use cuDNN and matrix products cuBLASLt (products.h); all
// others are d2l's own kernels, one file per family. All work except uploads is queued on one
// stream, so memory may return to the pool before the kernels that use it have run.
class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(const CudaOptions& options);
  ~CudaBackend() override;

  Device device() const override { return {DeviceKind::cuda, options_.device}; }
  std::string describe() const override;
  bool computes(DType dtype) const override;

  MemoryPool& pool() override { return pool_; }
  void copy_from_host(const void* host, View out) override;
  void copy_to_host(ConstView in, void* host) override;
  void synchronize() override;
  MemoryPool& staging() override { return staging_; }
  uint64_t record_event() override;
  void wait_event(uint64_t event, const std::function<void()>& meanwhile) override;
  void do_round_once(ConstView values, DType dtype) override;
  // The rounded copy of a view (see round_once); {} if there is none in this type.
  ConstView rounded(ConstView view, DType dtype) const;
  std::unique_ptr<Recording> record(const std::function<void()>& work) override;
  void upload_async(const void* host, View out, uint64_t after) override;
  void await_uploads() override;

  const Queue& queue() const { return queue_; }

  // copies.cu
  void do_fill(View out, double value) override;
  void do_copy(const ConstStridedView& in, const StridedView& out, bool accumulate) override;
  void do_gather_rows(ConstView table, ConstView indices, View out) override;
  void do_scatter_add_rows(ConstView rows, ConstView indices, View table) override;

  // elementwise.cu
  void do_unary(Unary op, ConstView x, View y) override;
  void do_unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y,
                         View grad_x) override;
  void do_binary(Binary op, ConstView a, ConstView b, View out) override;
  void do_binary_scalar(Binary op, ConstView a, double b, View out) override;
  void do_scalar_binary(Binary op, double a, ConstView b, View out) override;
  void do_compare(Compare op, ConstView a, ConstView b, View out) override;
  void do_axpby(double alpha, ConstView x, double beta, View y) override;

  // dropout.cu
  void do_dropout(const DropoutParams& params, ConstView x, View y) override;

  // images.cu
  void do_prepare_images(const ImageParams& params, const ImageOperands& in, View y) override;

  // reductions.cu
  void do_reduce(Reduction op, ConstView x, View y) override;
  // scans.cu
  void do_argmax(ConstView x, int axis, View indices) override;
  void do_cumsum(ConstView x, int axis, bool reverse, View y) override;

  // vendor libraries, see products.h
  void do_matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
                 View out) override;
  void do_conv2d(const Conv2dParams& params, const ConvOperands& in, View y) override;
  void do_conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                                View grad_x, bool accumulate) override;
  void do_conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                                 View grad_weight, View grad_bias) override;

  // pooling.cu
  void do_pool2d(const Pool2dParams& params, ConstView x, View y, View winners) override;
  void do_pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                          View grad_x) override;
  void do_activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                    ConstView winners, View grad_x) override;

  // batch_norm.cu
  void do_batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                                const NormRunning& running) override;
  int64_t batch_norm_mask_bytes(const BatchNormParams& params,
                                const NormOperands& in) const override;
  void do_batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                           const NormStatistics& given, View y, View mask) override;
  // batch_norm_gradient.cu
  void do_batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                   const NormStatistics& of_batch, const NormOutput& out,
                                   const NormGradients& gradients) override;
  void do_batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                    const NormStatistics& of_batch, const NormOutput& out,
                                    const NormGradients& gradients) override;

  // layer_norm.cu
  void do_layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                     const NormStatistics& of_rows) override;
  void do_layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                              const NormStatistics& of_rows, ConstView grad_y,
                              const NormGradients& gradients) override;

  // masked_softmax.cu
  void do_masked_softmax(ConstView x, ConstView lengths, View y) override;
  void do_masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                  View grad_x) override;
  // attention.cu
  void do_attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                    View y) override;
  void do_attention_backward(const AttentionParams& params, const AttentionOperands& in,
                             ConstView kept, ConstView grad_y,
                             const AttentionGradients& gradients) override;

  // softmax.cu
  void do_softmax(SoftmaxForm form, ConstView x, View y) override;
  void do_softmax_backward(SoftmaxForm form, ConstView y, ConstView grad_y, View grad_x) override;

  // cross_entropy.cu
  void do_cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                        View correct) override;
  void do_cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView grad_losses,
                                 View grad_logits) override;

  // optimizers.cu
  void do_sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity) override;
  void do_adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                    View square) override;
  void do_lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                         View square) override;
  void do_norms(StepRanges ranges, ConstView x, View norms) override;

 private:
  void expect_no_recording(const char* what) const;

  CudaOptions options_;
  Queue queue_;
  MemoryPool pool_, staging_;
  // The CUDA events of the newest record_event() calls: number n is events_[n % kEvents].
  static constexpr uint64_t kEvents = 8;
  std::array<cudaEvent_t, kEvents> events_{};
  uint64_t recorded_ = 0;
  bool recording_ = false;
  struct Rounded {
    Scratch<char> memory;
    ConstView values;
    DType dtype;
  };
  std::optional<Rounded> rounded_;
  cudaStream_t copies_ = nullptr;  // the stream of uploads
  cudaEvent_t uploaded_ = nullptr;
  std::unique_ptr<Products> products_;
};

}  // namespace d2l::cuda
