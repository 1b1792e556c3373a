#pragma once

#include "framework/checkpoint/snapshot.h"
#include "framework/nn/parameter_set.h"
#include "framework/optim/shards.h"
#include "framework/tensor/state.h"

namespace d2l {

// The defaults are those of PyTorch's GradScaler.
struct LossScaleOptions {
  double constant = 0;             // a constant scale; 0: dynamic, see below
  double first = 65536;            // initial scale; a power of 2, so that scaling is exact
  int64_t growth_interval = 2000;  // steps without overflow before it doubles
};

// The state of a dynamic loss scale; "loss_scale/..." in checkpoints.
struct LossScaleState {
  double scale = 0;           // the dynamic scale, even while a constant one is used
  int64_t good_steps = 0;     // since the last change
  int64_t skipped_steps = 0;  // in a row

  void visit(StateVisitor& visitor);
  static bool is_in(const Snapshot& snapshot);
};

// Loss scaling, for activations in f16, where gradients below 2^-24 would become 0 (Micikevicius et
// al., "Mixed Precision Training", ICLR 2018): the gradient of the loss is multiplied by the scale,
// the parameters' gradients are divided by it. If these or the loss are not finite, the step is
// skipped, the scale is halved, and nothing else changes. In particular, running statistics are
// saved before each step and restored after a skipped one: otherwise an overflow before a batch
// norm would make them infinite permanently, as happens in PyTorch. After the reduction, gradients
// have the same bits on all ranks, so all ranks make the same decision. Calls in each step:
// begin_step, multiply, unscale, end_step.
class LossScale {
 public:
  static constexpr double kLeast = 1.0 / 16384;  // of a dynamic scale
  static constexpr double kMost = 0x1p60;        // of a dynamic scale: far above any need
  static constexpr int64_t kMostSkipped = 32;    // in a row, with a constant scale

  // `parameters` must outlive this object.
  LossScale(nn::ParameterSet& parameters, const LossScaleOptions& options);

  double scale() const;
  int64_t skipped_in_a_row() const { return state_.skipped_steps; }
  // Whether no scale can help: the dynamic scale is below kLeast, or kMostSkipped steps in a row
  // were skipped with a constant one.
  bool is_exhausted() const;

  void begin_step();
  // Multiplies by the scale. It is read from device memory, so that a recording can be replayed
  // with another scale.
  void multiply(Tensor& loss_gradient) const;
  // Divides the final gradients by the scale. norm, f32 [1], receives their norm, which is not
  // finite if one of them is not finite. Collective with shards.
  void unscale(Tensor& norm, const Shards* shards = nullptr);
  // Updates the scale; after a step that was not finite, restores the running statistics.
  void end_step(bool finite);

  void visit(StateVisitor& visitor);

 private:
  void fill_factor();

  nn::ParameterSet& parameters_;
  LossScaleOptions options_;
  LossScaleState state_;
  Tensor factor_;   // f32 [1]
  Tensor buffers_;  // undefined if there are none
};

}  // namespace d2l
