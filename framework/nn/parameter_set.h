#pragma once

#include <optional>
#include <string>
#include <vector>

#include "framework/nn/module.h"
#include "framework/tensor/state.h"

namespace d2l::nn {

// All parameters of a model in two flat arenas, values and gradients, and all its buffers in a
// third. Slots start at multiples of 64 bytes and lie in reverse order of registration, which is
// the order in which a backward pass finishes them. Everything that treats parameters alike
// (optimizers, reduction over ranks, checkpoints) is a loop over slots or one pass over an arena.
class ParameterSet {
 public:
  struct Slot {
    std::string name;  // "stage2.0.conv1.weight"
    Shape shape;
    int64_t begin = 0, end = 0;  // elements of the arena, padding included
    std::shared_ptr<Parameter> parameter;
    bool frozen = false;  // see freeze()
  };
  struct BufferSlot {
    std::string name;
    std::shared_ptr<Buffer> buffer;
  };

  // Names and allocates; initial values depend on (seed, name) alone. Without a seed nothing is
  // drawn: values are arbitrary, for callers that load them or only ask for names and shapes.
  // `model` must outlive it.
  ParameterSet(Module& model, Backend& backend, std::optional<uint64_t> seed);

  const std::vector<Slot>& slots() const { return slots_; }
  Tensor& values() { return values_; }        // f32 [arena]; padding is 0
  Tensor& gradients() { return gradients_; }  // f32 [arena]; padding is 0
  Tensor& buffers() { return buffers_; }      // f32 [all buffers]; undefined when there are none
  Backend& backend() const { return values_.backend(); }
  int64_t count() const;         // numbers in all parameters
  int64_t frozen_count() const;  // those of frozen ones

  // Parameters whose names match one of the patterns (* any text, ? any character, [abc] one of
  // these) are constants from now on: no gradient is computed for them, their slots of the gradient
  // arena stay 0, optimizers made later leave them alone, and a BatchNorm of which all is frozen
  // uses and keeps its running statistics. Called before the first step. Throws UsageError for a
  // pattern that no name matches, with the nearest, and when nothing is left to train.
  void freeze(const std::vector<std::string>& patterns);

  // The part of an arena (values, gradients, or an optimizer's of the same size) that is slot i's.
  Tensor part(const Tensor& arena, size_t slot) const;

  // Forgets all gradients; costs nothing.
  void zero_grad();
  // Gradients of parameters that are trained but that the backward pass did not reach become 0.
  void fill_missing_gradients();

  // "parameters/NAME" and "buffers/NAME".
  void visit(StateVisitor& visitor);
  // "PREFIX/NAME": each parameter's part of an arena.
  void visit(StateVisitor& visitor, const std::string& prefix, const Tensor& arena) const;
  // "PREFIX/NAME": each buffer's part of something like buffers().
  void visit_buffers(StateVisitor& visitor, const std::string& prefix, const Tensor& buffers) const;

 private:
  std::vector<std::string> pattern_candidates() const;
  void collect(Module& module, const std::string& path);
  void bind_parameters(Backend& backend);
  void draw_values(uint64_t seed);
  void bind_buffers(Backend& backend);

  std::vector<Slot> slots_;
  std::vector<BufferSlot> buffer_slots_;
  Tensor values_, gradients_, buffers_;
};

}  // namespace d2l::nn
