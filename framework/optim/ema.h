#pragma once

#include "framework/nn/parameter_set.h"
#include "framework/tensor/state.h"

namespace d2l {

// Exponential moving averages of a model's parameters and, as in torchvision and timm, of its
// buffers. After each step, average = d average + (1 - d) value, with d = min(decay, (1 + steps) /
// (10 + steps)): the initial values lose weight quickly (as with TensorFlow's num_updates).
class Ema {
 public:
  // Starts with the parameters' current values. `parameters` must outlive this object.
  Ema(nn::ParameterSet& parameters, double decay);

  // Call after step number `steps`, counted from 1.
  void update(int64_t steps);

  // While an object of this class exists, the model holds the averages: for evaluation.
  class InUse {
   public:
    explicit InUse(Ema& ema);
    ~InUse();    // restores the model's values during stack unwinding
    void end();  // restores the model's own values
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    nn::ParameterSet& parameters_;
    Tensor values_, buffers_;  // the model's own values; undefined after end()
  };

  // "ema/parameters/NAME" and "ema/buffers/NAME".
  void visit(StateVisitor& visitor);

 private:
  nn::ParameterSet& parameters_;
  double decay_;
  Tensor values_, buffers_;  // laid out like the arenas; buffers_ may be undefined
};

}  // namespace d2l
