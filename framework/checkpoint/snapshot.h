#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "framework/base/dtype.h"
#include "framework/base/shape.h"
#include "framework/tensor/state.h"

namespace d2l {

// A training state as plain host memory: what goes into a checkpoint and what comes out of one.
struct Snapshot {
  struct Array {
    DType dtype = DType::f32;
    Shape shape;
    std::vector<uint8_t> bytes;
  };
  std::map<std::string, Array> arrays;       // "parameters/conv1.weight" -> elements
  std::map<std::string, int64_t> integers;   // "progress/step" -> 4690
  std::map<std::string, double> reals;       // "progress/loss_sum" -> 0.25
  std::map<std::string, std::string> texts;  // "config" -> the run's options; not state
};

// Whatever has a visit(StateVisitor&).
using VisitState = std::function<void(StateVisitor&)>;

// Copies everything that is visited to host memory.
Snapshot take_snapshot(const VisitState& visit);

// The name of the first array or real that has an element that is infinite or no number; empty:
// none has.
std::string first_not_finite(const Snapshot& snapshot);

// One checksum of all that is visited, names and shapes included; what lies in host memory is not
// copied. Equal for equal states, on whatever device they are.
uint64_t state_checksum(const VisitState& visit);

// Overwrites everything that is visited. Throws Error naming the piece when one is missing, has
// another shape or dtype, or when the snapshot holds state that nobody asked for; `origin` (a path)
// begins the message. Nothing is overwritten unless everything fits.
void restore_snapshot(const Snapshot& snapshot, const std::string& origin, const VisitState& visit);

// One line for each piece of state (arrays, integers, reals; not texts) that differs, by name, with
// the largest absolute and relative difference; empty when the states are identical bit for bit.
// Pieces that only one side has are differences. With relative_tolerance > 0 finite floating-point
// elements and reals that differ by at most relative_tolerance * max(|a|, |b|, the array's root
// mean square) pass.
std::vector<std::string> diff_snapshots(const Snapshot& a, const Snapshot& b,
                                        double relative_tolerance = 0);

}  // namespace d2l
