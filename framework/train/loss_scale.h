#pragma once

#include "framework/checkpoint/snapshot.h"
#include "framework/nn/parameter_set.h"
#include "framework/tensor/state.h"

namespace d2l {

// The defaults are those of PyTorch's GradScaler.
struct LossScaleOptions {
  double constant = 0;             // the scale of all steps; 0: it moves, as the others say
  double first = 65536;            // a power of 2, so that scaling loses no bit
  int64_t growth_interval = 2000;  // steps without an overflow, after which it doubles
};

// What moves a loss scale; "loss_scale/..." in checkpoints.
struct LossScaleState {
  double scale = 0;           // the one that moves, even while a constant one is in use
  int64_t good_steps = 0;     // since it last moved
  int64_t skipped_steps = 0;  // in a row

  void visit(StateVisitor& visitor);
  static bool is_in(const Snapshot& snapshot);
};

// Loss scaling, for activations in f16, where gradients below 2^-24 would be 0 (Micikevicius et
// al., "Mixed Precision Training", ICLR 2018): the loss' gradient is multiplied by the scale, the
// parameters' gradients are divided by it. A step in which these or the loss are not finite is
// skipped; it halves the scale and leaves no other trace. That is true of running statistics too:
// an overflow before a batch norm would make them infinite for good (in PyTorch it does), so they
// are noted before each step and come back. On all ranks gradients are the same bits after their
// reduction, so all decide alike. Calls in each step: begin_step, multiply, unscale, settle.
class LossScale {
 public:
  static constexpr double kLeast = 1.0 / 16384;  // of a scale that moves
  static constexpr double kMost = 0x1p60;        // the same: far above what any gradient needs
  static constexpr int64_t kMostSkipped = 32;    // steps in a row with a constant scale

  // The parameters must outlive it.
  LossScale(nn::ParameterSet& parameters, const LossScaleOptions& options);

  double scale() const;
  int64_t skipped_in_a_row() const { return state_.skipped_steps; }
  // Whether skipping goes on below kLeast or after kMostSkipped steps: no scale will help.
  bool is_exhausted() const;

  void begin_step();
  // By a number in the device's memory: what is queued here may be replayed with other scales.
  void multiply(Tensor& loss_gradient) const;
  // Divides the gradients, which are final; norm, f32 [1], gets the length of all of them, which is
  // not finite where one of them is not.
  void unscale(Tensor& norm);
  // Moves the scale; a step that was not finite gives the running statistics back.
  void settle(bool finite);

  void visit(StateVisitor& visitor);

 private:
  void fill_factor();

  nn::ParameterSet& parameters_;
  LossScaleOptions options_;
  LossScaleState state_;
  Tensor factor_;   // f32 [1]
  Tensor buffers_;  // undefined when there are none
};

}  // namespace d2l
