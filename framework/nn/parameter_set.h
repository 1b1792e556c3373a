#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "framework/nn/module.h"
#include "framework/tensor/default_backend.h"
#include "framework/tensor/state.h"

namespace d2l::nn {

// All parameters of a model in two flat arrays ("arenas"), one of values and one of gradients, and
// all its buffers in a third. Slots start at multiples of 64 bytes, in reverse order of
// registration: the order in which a backward pass completes them. Optimizers, reduction over ranks
// and checkpoints loop over the slots or process a whole arena in one pass.
class ParameterSet {
 public:
  struct Slot {
    std::string name;  // "stage2.0.conv1.weight"
    Shape shape;
    int64_t begin = 0, end = 0;  // elements of the arena, padding included
    std::shared_ptr<Parameter> parameter;
    bool frozen = false;   // see freeze()
    int64_t layer = 0;     // its number, counted from the input: see LayerOrder
    bool is_head = false;  // of the layer whose outputs are the network's
  };
  struct BufferSlot {
    std::string name;
    std::shared_ptr<Buffer> buffer;
  };

  // Assigns names and allocates memory. Initial values depend on (seed, name) only. Without a seed,
  // values are uninitialised, for callers that load them or only need names and shapes. `model`
  // must outlive this object.
  ParameterSet(Module& model, Backend& backend, std::optional<uint64_t> seed);
  // On default_backend().
  explicit ParameterSet(Module& model, uint64_t seed = 0)
      : ParameterSet(model, default_backend(), seed) {}

  const std::vector<Slot>& slots() const { return slots_; }
  const std::vector<BufferSlot>& buffer_slots() const { return buffer_slots_; }
  Tensor& values() { return values_; }        // f32 [arena]; padding is 0
  Tensor& gradients() { return gradients_; }  // f32 [arena]; padding is 0
  Tensor& buffers() { return buffers_; }      // f32 [all buffers]; undefined when there are none
  Backend& backend() const { return values_.backend(); }
  int64_t count() const;         // elements of all parameters
  int64_t frozen_count() const;  // elements of frozen parameters
  int64_t layers() const;        // see LayerOrder; at least 1

  // The variable of the parameter "stage2.0.conv1.weight". Throws Error with the nearest name.
  Variable operator[](const std::string& name) const;

  // All parameters and buffers by name; they share their memory with the model.
  std::map<std::string, Tensor> named_tensors() const;
  // Overwrites all of them. Throws Error, and changes nothing, for a name that is missing or
  // unknown and for another shape.
  void copy_from(const std::map<std::string, Tensor>& tensors);

  // The slots whose names match the pattern (* any text, ? any character, [abc] one of these
  // characters), at least one. Throws UsageError if there is none, with the nearest name; `kind`
  // says in the message what the pattern is for: "unknown KIND 'fc9.*', did you mean 'fc3.*'?".
  std::vector<size_t> matching(const std::string& kind, const std::string& pattern) const;

  // Freezes the parameters whose names match one of the patterns: no gradient is computed for them,
  // their slots of the gradient arena stay 0, optimizers made later do not change them, and a
  // BatchNorm whose parameters are all frozen uses its running statistics and does not change them.
  // Call before the first step. Throws UsageError as matching() does, and if no trainable parameter
  // is left.
  void freeze(const std::vector<std::string>& patterns);
  // Trains all parameters from now on. Call between steps; then tell the optimizer.
  void unfreeze();

  // The part of an arena that belongs to slot i. `arena`: values, gradients, or an optimizer's
  // arena of the same size.
  Tensor part(const Tensor& arena, size_t slot) const;

  // Drops all gradients without writing memory.
  void zero_grad();
  // Sets the gradients of trained parameters to 0 if the backward pass did not reach them.
  void fill_missing_gradients();

  // "parameters/NAME" and "buffers/NAME".
  void visit(StateVisitor& visitor);
  // "PREFIX/NAME": each parameter's part of an arena.
  void visit(StateVisitor& visitor, const std::string& prefix, const Tensor& arena) const;
  // "PREFIX/NAME": each buffer's part of a tensor with the layout of buffers().
  void visit_buffers(StateVisitor& visitor, const std::string& prefix, const Tensor& buffers) const;

 private:
  std::vector<std::string> pattern_candidates() const;
  void collect(Module& module, const std::string& path);
  void number_layers(const Module& model);
  void bind_parameters(Backend& backend);
  void make_trainable(size_t slot);
  void draw_values(uint64_t seed);
  void bind_buffers(Backend& backend);

  std::vector<Slot> slots_;
  std::vector<BufferSlot> buffer_slots_;
  Tensor values_, gradients_, buffers_;
};

}  // namespace d2l::nn
