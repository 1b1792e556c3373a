#pragma once

#include <memory>

#include "framework/nn/parameter_set.h"
#include "framework/optim/shards.h"
#include "framework/optim/step_ranges.h"
#include "framework/tensor/state.h"

namespace d2l {

// Updates parameters from gradients. It works on whole arenas (see ParameterSet), knows no layers
// and does not communicate: gradients must be final when step() is called. Frozen parameters are
// not changed. With `lr_factors` in the options, the learning rate of a parameter is that of the
// step times the parameter's factor. With `shards` (which must outlive it; nullptr: none), it
// updates only this rank's elements; step() and visit() may then be collective.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // One step with this learning rate; may overwrite the gradients.
  virtual void step(double lr) = 0;
  // Call when parameters were frozen or unfrozen since the optimizer was made. The first step of a
  // parameter is that after it was unfrozen.
  virtual void follow_freezing() = 0;
  // Whether step() reads values back from the device and waits for them.
  virtual bool step_waits() const { return false; }
  // Visits the optimizer's arrays and counters under the names "optimizer/...".
  virtual void visit(StateVisitor& visitor) = 0;
};

// Stochastic gradient descent with momentum and weight decay (chapters 3.2, 4.5): see SgdParams for
// the formula.
struct SgdOptions {
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
  Decay decay = Decay::all;
  LrFactors lr_factors = {};
};
std::unique_ptr<Optimizer> make_sgd(nn::ParameterSet& parameters, const SgdOptions& options,
                                    const Shards* shards = nullptr);

// Adam, or AdamW when `decoupled`: see AdamParams for the source.
struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;
  Decay decay = Decay::all;
  LrFactors lr_factors = {};
};
std::unique_ptr<Optimizer> make_adam(nn::ParameterSet& parameters, const AdamOptions& options,
                                     const Shards* shards = nullptr);

// For large batches: You, Gitman and Ginsburg, "Large Batch Training of Convolutional Networks",
// 2017. For each parameter, v = momentum v + lr ratio (g + weight_decay w); w -= v, with ratio =
// eta |w| / (|g| + weight_decay |w|). ratio is 1 if |w| or |g| is 0, and for parameters that
// `decay` excludes.
struct LarsOptions {
  double momentum = 0.9;
  double weight_decay = 0;
  bool nesterov = false;
  double eta = 0.001;
  Decay decay = Decay::all;
  LrFactors lr_factors = {};
};
std::unique_ptr<Optimizer> make_lars(nn::ParameterSet& parameters, const LarsOptions& options,
                                     const Shards* shards = nullptr);

// For large batches: You et al., "Large Batch Optimization for Deep Learning", 2019. For each
// parameter, w -= lr ratio u, where u is the result of lamb_direction (OptimizerKernels)
// and ratio = |w| / |u|. ratio is 1 if |w| or |u| is 0, and for parameters that `decay` excludes.
// Gradients are not normalised first; use clip_norm for that.
struct LambOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-6;
  double weight_decay = 0;
  Decay decay = Decay::all;
  LrFactors lr_factors = {};
};
std::unique_ptr<Optimizer> make_lamb(nn::ParameterSet& parameters, const LambOptions& options,
                                     const Shards* shards = nullptr);

}  // namespace d2l
