#pragma once

#include <cstdint>

#include "framework/backend/kernels/array_kernels.h"
#include "framework/backend/kernels/observed_kernels.h"
#include "framework/backend/params.h"
#include "framework/backend/traffic.h"

namespace d2l {

// Batch and layer normalisation. See Kernels.
class NormalisationKernels : public virtual ObservedKernels {
 public:
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

    void follow(ArrayKernels& on, const NormStatistics& of_batch, int64_t rows) const {
      const auto count = static_cast<double>(rows);
      on.axpby(momentum, of_batch.mean, 1 - momentum, mean);
      on.axpby(momentum * (rows > 1 ? count / (count - 1) : 1), of_batch.variance, 1 - momentum,
               variance);
    }
  };
  // Also updates `running`, unless x is empty.
  void batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                             const NormRunning& running) {
    observed({"batch_norm_statistics", Work::normalisation,
              moved({x, running.mean, running.variance},
                    {of_batch.mean, of_batch.variance, running.mean, running.variance})},
             [&] { do_batch_norm_statistics(x, of_batch, running); });
  }
  // The size in bytes of the mask (u8) of y that batch_norm_apply can keep for the gradient, in a
  // layout that the backend defines. 0 if the gradient needs no mask: it reads y, or neither.
  virtual int64_t batch_norm_mask_bytes(const BatchNormParams& params,
                                        const NormOperands& in) const = 0;
  // mask may be {}.
  void batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                        const NormStatistics& given, View y, View mask) {
    observed({"batch_norm_apply", Work::normalisation,
              moved({in.x, in.gamma, in.beta, in.residual, given.mean, given.variance}, {y, mask})},
             [&] { do_batch_norm_apply(params, in, given, y, mask); });
  }
  struct NormOutput {
    ConstView y, grad_y;
    ConstView mask = {};  // if there is one, y may be {}
  };
  // before: the gradient before the activation, which is also the residual's gradient. It may be {}
  // if the backward pass does not need y: without an activation, or with ReLU and no residual.
  struct NormGradients {
    View x, gamma, beta, before;
    int64_t rows = 0;  // of x: the gradients of gamma and beta are sums over so many
  };
  // Writes gradients.gamma, beta and before.
  void batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                const NormStatistics& of_batch, const NormOutput& out,
                                const NormGradients& gradients) {
    observed(
        {"batch_norm_gradient_sums", Work::normalisation,
         moved({in.x, of_batch.mean, of_batch.variance, result_read(out, gradients), out.grad_y},
               {gradients.gamma, gradients.beta, gradients.before})},
        [&] { do_batch_norm_gradient_sums(params, in, of_batch, out, gradients); });
  }
  // Writes gradients.x from these sums. Reads only grad_y of `out`, and only if there is no
  // gradients.before.
  void batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                 const NormStatistics& of_batch, const NormOutput& out,
                                 const NormGradients& gradients) {
    observed({"batch_norm_gradient_input", Work::normalisation,
              moved({in.x, in.gamma, of_batch.mean, of_batch.variance,
                     gradients.before ? ConstView(gradients.before) : out.grad_y, gradients.gamma,
                     gradients.beta},
                    {gradients.x})},
             [&] { do_batch_norm_gradient_input(params, in, of_batch, out, gradients); });
  }

  // --- layer normalisation over the last axis: x, y [..., c], gamma and beta [c], statistics
  // [...], one per row; the default implementation defines the result ---
  void layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                  const NormStatistics& of_rows) {
    observed({"layer_norm", Work::normalisation,
              moved({in.x, in.gamma, in.beta, in.residual}, {y, of_rows.mean, of_rows.variance})},
             [&] { do_layer_norm(params, in, y, of_rows); });
  }
  void layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                           const NormStatistics& of_rows, ConstView grad_y,
                           const NormGradients& gradients) {
    observed({"layer_norm_backward", Work::normalisation,
              moved({in.x, in.gamma, of_rows.mean, of_rows.variance, grad_y},
                    {gradients.x, gradients.gamma, gradients.beta})},
             [&] { do_layer_norm_backward(params, in, of_rows, grad_y, gradients); });
  }

 private:
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

  // The result of a batch norm, or its mask, if the gradient reads it.
  static ConstView result_read(const NormOutput& out, const NormGradients& gradients) {
    if (!gradients.before) return {};
    return out.mask ? out.mask : out.y;
  }
};

}  // namespace d2l
