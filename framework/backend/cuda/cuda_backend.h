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

// Backend on one GPU. Convolutions are cuDNN's, matrix products cuBLAS's (products.h), the
// rest are own kernels, one file per family. All work but send() is queued on one stream, so that
// memory may go back to the pool while the kernels that use it have yet to run.
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
  uint64_t mark() override;
  void wait_for(uint64_t mark, const std::function<void()>& meanwhile) override;
  void round_once(ConstView values, DType dtype) override;
  // The copy of a view of those values; {} if there is none in this type.
  ConstView rounded(ConstView view, DType dtype) const;
  std::unique_ptr<Recording> record(const std::function<void()>& work) override;
  void send(const void* host, View out, uint64_t after) override;
  void receive() override;

  const Queue& queue() const { return queue_; }

  // copies.cu
  void fill(View out, double value) override;
  void copy(const ConstStridedView& in, const StridedView& out, bool accumulate) override;
  void gather_rows(ConstView table, ConstView indices, View out) override;
  void scatter_add_rows(ConstView rows, ConstView indices, View table) override;

  // elementwise.cu
  void unary(Unary op, ConstView x, View y) override;
  void unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y, View grad_x) override;
  void binary(Binary op, ConstView a, ConstView b, View out) override;
  void binary_scalar(Binary op, ConstView a, double b, View out) override;
  void scalar_binary(Binary op, double a, ConstView b, View out) override;
  void compare(Compare op, ConstView a, ConstView b, View out) override;
  void axpby(double alpha, ConstView x, double beta, View y) override;

  // dropout.cu
  void dropout(const DropoutParams& params, ConstView x, View y) override;

  // images.cu
  void prepare_images(const ImageParams& params, const ImageOperands& in, View y) override;

  // reductions.cu
  void reduce(Reduction op, ConstView x, View y) override;
  // scans.cu
  void argmax(ConstView x, int axis, View indices) override;
  void cumsum(ConstView x, int axis, bool reverse, View y) override;

  // the vendor's libraries, see products.h
  void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
              View out) override;
  void conv2d(const Conv2dParams& params, const ConvOperands& in, View y) override;
  void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                             View grad_x, bool accumulate) override;
  void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                              View grad_weight, View grad_bias) override;

  // pooling.cu
  void pool2d(const Pool2dParams& params, ConstView x, View y, View winners) override;
  void pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                       View grad_x) override;
  void activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                 ConstView winners, View grad_x) override;

  // batch_norm.cu
  void batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                             const NormRunning& running) override;
  int64_t batch_norm_mask_bytes(const BatchNormParams& params,
                                const NormOperands& in) const override;
  void batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                        const NormStatistics& given, View y, View mask) override;
  // batch_norm_gradient.cu
  void batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                const NormStatistics& of_batch, const NormOutput& out,
                                const NormGradients& gradients) override;
  void batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                 const NormStatistics& of_batch, const NormOutput& out,
                                 const NormGradients& gradients) override;

  // layer_norm.cu
  void layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                  const NormStatistics& of_rows) override;
  void layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                           const NormStatistics& of_rows, ConstView grad_y,
                           const NormGradients& gradients) override;

  // masked_softmax.cu
  void masked_softmax(ConstView x, ConstView lengths, View y) override;
  void masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                               View grad_x) override;
  // attention.cu
  void attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                 View y) override;
  void attention_backward(const AttentionParams& params, const AttentionOperands& in,
                          ConstView kept, ConstView grad_y,
                          const AttentionGradients& gradients) override;

  // softmax.cu
  void softmax(ConstView x, View y) override;
  void softmax_backward(ConstView y, ConstView grad_y, View grad_x) override;
  void log_softmax(ConstView x, View y) override;
  void log_softmax_backward(ConstView y, ConstView grad_y, View grad_x) override;

  // cross_entropy.cu
  void cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                     View correct) override;
  void cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView grad_losses,
                              View grad_logits) override;

  // optimizers.cu
  void sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity) override;
  void adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                 View square) override;
  void lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                      View square) override;
  void norms(StepRanges ranges, ConstView x, View norms) override;

 private:
  void expect_no_recording(const char* what) const;

  CudaOptions options_;
  Queue queue_;
  MemoryPool pool_, staging_;
  // Of the newest marks: number n is events_[n % kMarks].
  static constexpr uint64_t kMarks = 8;
  std::array<cudaEvent_t, kMarks> events_{};
  uint64_t marks_ = 0;
  bool recording_ = false;
  struct Rounded {
    Scratch<char> memory;
    ConstView values;
    DType dtype;
  };
  std::optional<Rounded> rounded_;
  cudaStream_t copies_ = nullptr;  // where what is sent travels
  cudaEvent_t sent_ = nullptr;
  std::unique_ptr<Products> products_;
};

}  // namespace d2l::cuda
