#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <limits>

#include "framework/base/error.h"
#include "framework/checkpoint/store.h"

// Saves step after step into the folder argv[1] from step argv[2] on, and writes each step's number
// to standard output (8 raw bytes) once it is on disk. Ends after step argv[3]; without it, runs
// until it is killed.

namespace {

d2l::Snapshot state_of(int64_t step) {
  constexpr int64_t kElements = 20000;
  d2l::Snapshot snapshot;
  d2l::Snapshot::Array& array = snapshot.arrays["parameters/weight"];
  array.dtype = d2l::DType::i64;
  array.shape = {kElements};
  array.bytes.resize(kElements * sizeof step);
  for (int64_t i = 0; i < kElements; ++i) {
    int64_t value = step * kElements + i;
    std::memcpy(array.bytes.data() + i * sizeof value, &value, sizeof value);
  }
  snapshot.integers["progress/step"] = step;
  return snapshot;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  const int64_t last = argc == 4 ? std::atoll(argv[3]) : std::numeric_limits<int64_t>::max();
  try {
    d2l::CheckpointStore store(argv[1], {.keep = 2});
    for (int64_t step = std::atoll(argv[2]); step <= last; ++step) {
      store.save(step, state_of(step), step % 3 == 0);
      if (!store.wait()) return 1;
      if (write(STDOUT_FILENO, &step, sizeof step) != sizeof step) return 1;
    }
  } catch (const d2l::Error&) {
    return 1;
  }
}
