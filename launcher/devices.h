#pragma once

#include <memory>
#include <string>

#include "framework/backend/backend.h"
#include "framework/comm/mpi_session.h"
#include "launcher/options/config.h"
#include "launcher/threads.h"

namespace d2l::launcher {

// What a rank computes on, and how the ranks reach each other from there.
struct Machine {
  bool on_gpu() const { return backend->device().kind == DeviceKind::cuda; }
  // What the host keeps for it: batches on their way.
  Backend& host_memory() const { return host ? *host : *backend; }

  Threads threads;
  std::string crowded;          // what warning_about() them says
  std::string fallback_reason;  // why this rank is on the CPU although a GPU was to be expected
  // Whether a training step is queued on GPUs as a whole: the host need not look at it.
  bool can_record_steps = false;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Backend> host;       // where the backend computes on a GPU
  std::unique_ptr<Communicator> comm;  // destroyed before the backend
};

// By --device, --comm, --precision, --deterministic and --threads. One rank, one GPU: the one that
// has the rank's number on its host, or the only one that the rank can see. `host` is the session's
// communicator. Every rank makes this
// call. Throws Error on every rank, with a table of all ranks, when one has no GPU or two share one
// (which --comm mpi permits).
Machine make_machine(const Config& config, const MpiSession& session,
                     std::unique_ptr<Communicator> host);

}  // namespace d2l::launcher
