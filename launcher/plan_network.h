#pragma once

#include <functional>

#include "framework/backend/backend.h"
#include "framework/comm/communicator.h"
#include "framework/comm/transfer_model.h"

namespace d2l::launcher {

// The network among the ranks of a job.
struct MeasuredNetwork {
  Network network;
  double speed_in_transfer = 1;     // see StepConditions
  double bandwidth_in_compute = 1;  // the same
};

// The network with which the model explains the times of a small and of a large all-reduce, and how
// much a step is slowed down by transfers: `step` computes one, which takes `step_seconds` alone.
// Collective; gives the same on all ranks.
MeasuredNetwork measure_network(Communicator& comm, Backend& backend, Carrier carrier,
                                double step_seconds, const std::function<void()>& step);

}  // namespace d2l::launcher
