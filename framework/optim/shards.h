#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/base/range.h"
#include "framework/nn/parameter_set.h"
#include "framework/tensor/state.h"

namespace d2l {

// ZeRO stage 1 (Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter
// Models", 2020): each rank updates only its own elements of the flat arrays of a ParameterSet, and
// has the optimizer's state only for these. Gradients need to be final there only.
struct Shards {
  std::vector<Range> own;  // ascending; over all ranks, every element is in one range
  // The arrays are divided bucket by bucket: a bucket has whole parameters, and parts of all ranks.
  std::vector<Range> buckets;  // ascending
  // For a part of an array that consists of these buckets (counted from its first element), of
  // which each rank has set its own elements: sets all of them on all ranks. Collective.
  std::function<void(View part, const std::vector<Range>& buckets)> gather;
  // Replaces numbers (f32 or f64) by their sums over all ranks. Collective.
  std::function<void(View numbers)> sum;
};

// An optimizer's array of state: an element for each one of a ParameterSet, or with shards only for
// this rank's own, one after the other.
class ShardedState {
 public:
  // All zeros. `shards` may be nullptr; it must outlive this object.
  ShardedState(nn::ParameterSet& parameters, const Shards* shards);

  Tensor& array() { return array_; }
  // "NAME/PARAMETER": the state of all parameters in either case, so that a checkpoint does not
  // depend on the number of ranks. Collective with shards; needs memory for one bucket.
  void visit(StateVisitor& visitor, const std::string& name);

 private:
  nn::ParameterSet& parameters_;
  const Shards* shards_;
  Tensor array_;
};

// A part of the flat arrays that one call of a kernel updates: all, or one range of a shard.
struct StepPart {
  Range arena;                    // of the values and gradients
  Range state;                    // of a ShardedState
  std::vector<StepRange> ranges;  // counted from the part's first element; at least one

  View of_arena(Tensor& arena_array) const;
  View of_state(ShardedState& state_array) const;
};

// Cuts ranges of the flat arrays into parts. One part without shards.
std::vector<StepPart> parts_of(const std::vector<StepRange>& ranges, nn::ParameterSet& parameters,
                               const Shards* shards);

// Sets `norm`, f32 [1], to the norm of the gradients of all parameters. Collective with shards.
void find_gradient_norm(nn::ParameterSet& parameters, const Shards* shards, Tensor& norm);

}  // namespace d2l
