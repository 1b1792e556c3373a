#pragma once

#include <memory>
#include <string>

#include "framework/backend/backend.h"
#include "framework/comm/mpi_session.h"
#include "launcher/options/config.h"
#include "launcher/threads.h"

namespace d2l::launcher {

// The devices of a rank and the communicator between ranks.
struct Machine {
  bool on_gpu() const { return backend->device().kind == DeviceKind::cuda; }
  // The backend for batches in host memory.
  Backend& host_memory() const { return host ? *host : *backend; }

  Trace* trace = nullptr;  // the session's
  Threads threads;
  int loader_threads = 1;
  std::string watch_warning;    // if this rank cannot notice lost ranks
  std::string thread_warning;   // the result of warning_about()
  std::string fallback_reason;  // why the CPU is used although a GPU was expected
  // Whether a training step can be recorded: it runs on the GPU without the host in between.
  bool can_record_steps = false;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Backend> host;       // only if the backend is a GPU
  std::unique_ptr<Communicator> comm;  // destroyed before the backend
};

// Selects devices by --device, --comm, --precision, --deterministic and --threads. Each rank takes
// one GPU: the one with the rank's number on its host, or the only one that the rank can see.
// `host` is the communicator of the ranks that train together, all of the job or a group. All ranks
// of the job make this call. Throws Error on every rank, with a table of all ranks, if a rank has
// no GPU or two ranks share one (allowed with --comm mpi).
Machine make_machine(const Config& config, const MpiSession& session,
                     std::unique_ptr<Communicator> host);

}  // namespace d2l::launcher
