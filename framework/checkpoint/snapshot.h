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

// A training state in host memory, as it is written to a checkpoint and read back.
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

// Shows all state to a StateVisitor.
using VisitState = std::function<void(StateVisitor&)>;

// Copies all visited state to host memory.
Snapshot take_snapshot(const VisitState& visit);

// The name of the first array or real with an infinite or NaN element; empty if there is none.
std::string first_not_finite(const Snapshot& snapshot);

// One checksum of all visited state, including names and shapes. Equal for equal states on any
// device. State in host memory is not copied.
uint64_t state_checksum(const VisitState& visit);

// One checksum of a snapshot's arrays, integers and reals with their names, types and shapes, but
// not of its texts: equal for equal states, in whatever run they were made.
uint64_t state_checksum(const Snapshot& snapshot);

// Overwrites all visited state. Throws Error naming the pieces that are missing from the snapshot,
// have another shape or dtype, or are in the snapshot but were not visited; the message begins with
// `origin` (a path). Overwrites nothing unless all pieces fit.
void restore_snapshot(const Snapshot& snapshot, const std::string& origin, const VisitState& visit);

// One line for each piece of state (arrays, integers, reals; not texts) that differs, sorted by
// name, with the largest absolute and relative difference; empty if the states are identical bit
// for bit. A piece in only one of the snapshots is a difference. With relative_tolerance > 0,
// finite floating-point elements and reals pass if they differ by at most relative_tolerance *
// max(|a|, |b|, the array's root mean square).
std::vector<std::string> diff_snapshots(const Snapshot& a, const Snapshot& b,
                                        double relative_tolerance = 0);

}  // namespace d2l
