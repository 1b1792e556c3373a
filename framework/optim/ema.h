#pragma once

#include "framework/nn/parameter_set.h"
#include "framework/tensor/state.h"

namespace d2l {

// Exponential moving averages of a model's parameters and, as torchvision and timm do, of its
// buffers too: average = d average + (1 - d) value after each step, with d = min(decay, (1 + steps)
// / (10 + steps)), so that the initial values are soon forgotten (as TensorFlow's num_updates).
class Ema {
 public:
  // Begins with the values that the parameters have. They must outlive it.
  Ema(nn::ParameterSet& parameters, double decay);

  // After step number `steps`, counted from 1.
  void update(int64_t steps);

  // While one lives the model holds the averages: for evaluation.
  class InUse {
   public:
    explicit InUse(Ema& ema);
    ~InUse();    // ends it where an exception has kept the caller from it
    void end();  // gives the model its own values back
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    nn::ParameterSet& parameters_;
    Tensor values_, buffers_;  // what the model holds otherwise; undefined after end()
  };

  // "ema/parameters/NAME" and "ema/buffers/NAME".
  void visit(StateVisitor& visitor);

 private:
  nn::ParameterSet& parameters_;
  double decay_;
  Tensor values_, buffers_;  // as the set's arenas; buffers_ undefined when there are none
};

}  // namespace d2l
