#pragma once

#include <cstdint>
#include <functional>

#include "framework/comm/mpi_session.h"
#include "framework/train/step_model.h"
#include "launcher/devices.h"
#include "launcher/setup.h"

namespace d2l::launcher {

// Of one rank, in bytes.
struct PlannedMemory {
  uint64_t parameters = 0;  // with running statistics
  uint64_t gradients = 0;
  uint64_t optimizer = 0;
  uint64_t averages = 0;  // of --ema
  uint64_t batches = 0;   // in the pool, loaded in advance; on a GPU in host memory instead
  uint64_t pool = 0;      // all of the device's memory at the peak: these, activations, work space
  uint64_t process = 0;   // of the host, at the peak

  uint64_t rest() const { return pool - parameters - gradients - optimizer - averages - batches; }
};

// How long a rank needs for a batch of data when it does nothing else.
struct Loading {
  double seconds = 0;
  double core_seconds = 0;  // of all its threads
};

// What a few steps of this rank show. Times in seconds.
struct PlanMeasurement {
  PlannedMemory memory;
  uint64_t checkpoint = 0;  // bytes of the file; rank 0 only
  int64_t samples = 0;      // of this rank in a step
  int64_t timed_steps = 0;
  StepTimeline timeline;
  double evaluation = 0;  // of one batch; 0 without test data
  double snapshot = 0;    // the pause for a checkpoint; rank 0 only
  Loading loading;
};

// Computes steps of the network without the other ranks, with the learning rate 0 and one batch of
// the real data. `while_able`: called when the steps have been measured, with a function that
// computes one more. `ranks`: how many the steps are meant for. Ends the loaders of `setup`.
PlanMeasurement measure_steps(
    Setup& setup, const Machine& machine, int ranks,
    const std::function<void(const StepTimeline& timeline, const std::function<void()>& step)>&
        while_able);

}  // namespace d2l::launcher
