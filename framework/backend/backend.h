#pragma once

#include <memory>
#include <vector>

#include "framework/backend/device.h"
#include "framework/backend/kernels.h"

namespace d2l {

// A device and its kernels. Some kernels have a default implementation here, composed of other
// kernels; it defines their result. A backend may override it with a fused kernel.
class Backend : public ComputeDevice, public Kernels {
 public:
  int64_t batch_norm_mask_bytes(const BatchNormParams& params,
                                const NormOperands& in) const override;

  void do_round_once(ConstView values, DType dtype) override;
  void do_conv2d_pool(const ConvPoolParams& params, const ConvOperands& in, const ConvKept& kept,
                      View y) override;
  void do_conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                               const ConvKept& kept, ConstView grad_y,
                               const ConvGradients& gradients) override;
  void do_activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                    ConstView winners, View grad_x) override;
  void do_layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                     const NormStatistics& of_rows) override;
  void do_layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                              const NormStatistics& of_rows, ConstView grad_y,
                              const NormGradients& gradients) override;
  void do_masked_softmax(ConstView x, ConstView lengths, View y) override;
  void do_masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                                  View grad_x) override;
  void do_attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                    View y) override;
  void do_attention_backward(const AttentionParams& params, const AttentionOperands& in,
                             ConstView kept, ConstView grad_y,
                             const AttentionGradients& gradients) override;
  void do_lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                         View square) override;
  void do_norms(StepRanges ranges, ConstView x, View norms) override;
};

// In which order the CPU adds up numbers.
enum class CpuSums {
  fast,
  // The same bits on any number of threads: oneDNN, which divides sums among its threads, computes
  // pieces of fixed sizes, each on one thread.
  same_on_any_threads
};

// threads: at least 1. The calling thread is one of them and the only one that may call kernels.
// memory: becomes pool() and must outlive the backend, for example another backend's staging();
// nullptr: the backend makes its own pool.
std::unique_ptr<Backend> make_cpu_backend(int threads, MemoryPool* memory = nullptr,
                                          CpuSums sums = CpuSums::fast);

// A backend for dry runs (see Kernels): its memory is never touched and its kernels do nothing.
// Never read values from it.
std::unique_ptr<Backend> make_dry_backend();

// The cores that the backend's threads may run on, one bit each: available_cores(), unless OpenMP
// has bound this thread to one of several places (OMP_PROC_BIND).
std::vector<uint64_t> cores_for_threads();

}  // namespace d2l
