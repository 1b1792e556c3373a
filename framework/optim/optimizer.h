#pragma once

#include <memory>

#include "framework/nn/parameter_set.h"
#include "framework/tensor/state.h"

namespace d2l {

// Turns gradients into steps. It works on whole arenas, so it neither knows layers nor
// communicates: gradients are final when step() is called.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // One step with this learning rate.
  virtual void step(double lr) = 0;
  // "optimizer/..."
  virtual void visit(StateVisitor& visitor) = 0;
};

// Stochastic gradient descent with momentum and weight decay (chapters 3.2, 4.5): SgdParams has the
// formula.
struct SgdOptions {
  double momentum = 0;
  double weight_decay = 0;
  bool nesterov = false;
};
std::unique_ptr<Optimizer> make_sgd(nn::ParameterSet& parameters, const SgdOptions& options);

// Adam, or AdamW when `decoupled`: AdamParams has the source.
struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;
};
std::unique_ptr<Optimizer> make_adam(nn::ParameterSet& parameters, const AdamOptions& options);

}  // namespace d2l
