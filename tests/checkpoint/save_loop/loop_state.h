#pragma once

#include <cstdint>
#include <cstring>

#include "framework/checkpoint/snapshot.h"

namespace d2l::test {

inline constexpr int64_t kLoopElements = 20000;

// The state of a step of the save loop. No element occurs in another step.
inline Snapshot loop_state(int64_t step) {
  Snapshot snapshot;
  Snapshot::Array& array = snapshot.arrays["parameters/weight"];
  array.dtype = DType::i64;
  array.shape = {kLoopElements};
  array.bytes.resize(kLoopElements * sizeof step);
  for (int64_t i = 0; i < kLoopElements; ++i) {
    const int64_t value = step * kLoopElements + i;
    std::memcpy(array.bytes.data() + i * sizeof value, &value, sizeof value);
  }
  snapshot.integers["progress/step"] = step;
  return snapshot;
}

// Whether a snapshot is the state of the step that it names, in every bit.
inline bool is_loop_state(const Snapshot& snapshot) {
  const Snapshot expected = loop_state(snapshot.integers.at("progress/step"));
  const Snapshot::Array& found = snapshot.arrays.at("parameters/weight");
  return found.bytes == expected.arrays.at("parameters/weight").bytes;
}

}  // namespace d2l::test
