#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "framework/backend/backend.h"

namespace d2l {

// What kinds of operations there are to whoever asks where the time goes.
enum class Work {
  convolution,
  matmul,
  attention,
  normalisation,
  pooling,
  element_wise,
  copies,  // and reductions
  loss,
  optimizer
};

// What one operation has cost in one scope (framework/base/scope.h).
struct Cost {
  bool in_module = false;  // false: outside of all modules, and then `module` is empty
  std::string module;      // its path; the root's is empty
  bool backward = false;
  std::string operation;  // the backend's function: "conv2d_backward_weight"
  Work work = Work::copies;
  int64_t calls = 0;
  double seconds = 0;         // 0 in a dry run
  int64_t multiply_adds = 0;  // of convolutions, matrix products and attention, by their shapes
  int64_t bytes = 0;          // that must at least be moved: each operand once, in its dtype
  double least_seconds = 0;   // that the device's limits leave for it; 0 without them
};

// What a device can do at most, as somebody has measured it.
struct Limits {
  std::map<DType, double> multiply_adds_per_second = {};  // by what is multiplied
  double bytes_per_second = 0;                            // read and written

  // Of one operation, which is bound by its products or by its bytes, whichever takes longer.
  double least_seconds(int64_t multiply_adds, DType dtype, int64_t bytes) const;
};

// A backend that has another one compute, and counts what that costs. Every operation is waited
// for, so that its time is its own. The host's copies are not counted, since any thread may make
// them.
//
// Multiply-adds are those of the definition, padding included, whatever the kernel does in fact;
// the gradient of a product is two such products, as in all tables of this kind. Bytes are those of
// the operands: what is changed in place is read and written, and caches are not thought of.
class ProfilingBackend final : public Backend {
 public:
  // inner, which must outlive it, computes. nullptr: a dry run, which computes nothing, leaves
  // outputs as they are and never touches its memory; values must not be asked for.
  explicit ProfilingBackend(Backend* inner);

  // In the order in which they were first met since reset().
  const std::vector<Cost>& costs() const { return costs_; }
  void reset();
  // What costs are compared with from now on.
  void set_limits(Limits limits) { limits_ = std::move(limits); }
  // Without it operations are handed on as they come: neither counted nor waited for.
  void set_counting(bool on) { counting_ = on; }

  Device device() const override;
  std::string describe() const override;
  bool computes(DType dtype) const override;
  std::string describe_products(DType activations) const override;

  MemoryPool& pool() override;
  void copy_from_host(const void* host, View out) override;
  void copy_to_host(ConstView in, void* host) override;
  void synchronize() override;
  MemoryPool& staging() override;
  uint64_t mark() override;
  void wait_for(uint64_t mark, const std::function<void()>& meanwhile) override;
  // Replayed only while nothing is counted.
  std::unique_ptr<Recording> record(const std::function<void()>& work) override;
  void round_once(ConstView values, DType dtype) override;
  void send(const void* host, View out, uint64_t after) override;
  void receive() override;

  void fill(View out, double value) override;
  void copy(const ConstStridedView& in, const StridedView& out, bool accumulate) override;
  void gather_rows(ConstView table, ConstView indices, View out) override;
  void scatter_add_rows(ConstView rows, ConstView indices, View table) override;

  void unary(Unary op, ConstView x, View y) override;
  void unary_backward(Unary op, ConstView x, ConstView y, ConstView grad_y, View grad_x) override;
  void binary(Binary op, ConstView a, ConstView b, View out) override;
  void binary_scalar(Binary op, ConstView a, double b, View out) override;
  void scalar_binary(Binary op, double a, ConstView b, View out) override;
  void compare(Compare op, ConstView a, ConstView b, View out) override;
  void axpby(double alpha, ConstView x, double beta, View y) override;
  void dropout(const DropoutParams& params, ConstView x, View y) override;
  void prepare_images(const ImageParams& params, const ImageOperands& in, View y) override;

  void reduce(Reduction op, ConstView x, View y) override;
  void argmax(ConstView x, int axis, View indices) override;
  void cumsum(ConstView x, int axis, bool reverse, View y) override;

  void matmul(const MatmulParams& params, ConstView a, ConstView b, ConstView bias,
              View out) override;

  void conv2d(const Conv2dParams& params, const ConvOperands& in, View y) override;
  void conv2d_backward_input(const Conv2dParams& params, ConstView grad_y, ConstView weight,
                             View grad_x, bool accumulate) override;
  void conv2d_backward_weight(const Conv2dParams& params, ConstView x, ConstView grad_y,
                              View grad_weight, View grad_bias) override;
  void pool2d(const Pool2dParams& params, ConstView x, View y, View winners) override;
  void pool2d_backward(const Pool2dParams& params, ConstView grad_y, ConstView winners,
                       View grad_x) override;
  void conv2d_pool(const ConvPoolParams& params, const ConvOperands& in, const ConvKept& kept,
                   View y) override;
  void conv2d_pool_backward(const ConvPoolParams& params, const ConvOperands& in,
                            const ConvKept& kept, ConstView grad_y,
                            const ConvGradients& gradients) override;
  void activated_pool2d_backward(const ConvPoolParams& params, ConstView y, ConstView grad_y,
                                 ConstView winners, View grad_x) override;

  void batch_norm_statistics(ConstView x, const NormStatistics& of_batch,
                             const NormRunning& running) override;
  int64_t batch_norm_mask_bytes(const BatchNormParams& params,
                                const NormOperands& in) const override;
  void batch_norm_apply(const BatchNormParams& params, const NormOperands& in,
                        const NormStatistics& given, View y, View mask) override;
  void batch_norm_gradient_sums(const BatchNormParams& params, const NormOperands& in,
                                const NormStatistics& of_batch, const NormOutput& out,
                                const NormGradients& gradients) override;
  void batch_norm_gradient_input(const BatchNormParams& params, const NormOperands& in,
                                 const NormStatistics& of_batch, const NormOutput& out,
                                 const NormGradients& gradients) override;
  void layer_norm(const LayerNormParams& params, const NormOperands& in, View y,
                  const NormStatistics& of_rows) override;
  void layer_norm_backward(const LayerNormParams& params, const NormOperands& in,
                           const NormStatistics& of_rows, ConstView grad_y,
                           const NormGradients& gradients) override;

  void masked_softmax(ConstView x, ConstView lengths, View y) override;
  void masked_softmax_backward(ConstView y, ConstView lengths, ConstView grad_y,
                               View grad_x) override;
  void attention(const AttentionParams& params, const AttentionOperands& in, View kept,
                 View y) override;
  void attention_backward(const AttentionParams& params, const AttentionOperands& in,
                          ConstView kept, ConstView grad_y,
                          const AttentionGradients& gradients) override;

  void softmax(ConstView x, View y) override;
  void softmax_backward(ConstView y, ConstView grad_y, View grad_x) override;
  void log_softmax(ConstView x, View y) override;
  void log_softmax_backward(ConstView y, ConstView grad_y, View grad_x) override;
  void cross_entropy(ConstView logits, ConstView labels, View losses, View probabilities,
                     View correct) override;
  void cross_entropy_backward(ConstView probabilities, ConstView labels, ConstView grad_losses,
                              View grad_logits) override;

  void sgd_step(const SgdParams& params, ConstView gradient, View value, View velocity) override;
  void adam_step(const AdamParams& params, ConstView gradient, View value, View mean,
                 View square) override;
  void lamb_direction(const AdamParams& params, View gradient, ConstView value, View mean,
                      View square) override;
  void norms(StepRanges ranges, ConstView x, View norms) override;

 private:
  struct Operation {
    const char* name;
    Work work;
    int64_t bytes = 0;
    int64_t multiply_adds = 0;
    DType multiplied = DType::f32;
  };
  template <class Run>
  void count(const Operation& operation, const Run& run);
  Cost& cost_of(const Operation& operation);

  Backend* inner_;
  Limits limits_;
  bool counting_ = true;
  std::unique_ptr<MemoryPool> own_pool_;  // of a dry run
  std::vector<Cost> costs_;
  // operation, backward, in a module, path -> place in costs_
  std::map<std::tuple<const char*, bool, bool, std::string>, size_t> places_;
};

}  // namespace d2l
