#pragma once

#include <memory>

#include "framework/backend/backend.h"
#include "framework/comm/communicator.h"

namespace d2l {

// How sums over ranks travel that lie in a GPU's memory: between the GPUs by NCCL, or through the
// host's memory, which also serves ranks that share a GPU.
enum class Transport { nccl, host };

// `host`, extended to the memory of `backend`'s GPU: operations on it are queued behind the
// backend's work and before what follows wait(). Host memory still travels by `host`; host is
// handed back as it is when the backend computes on the CPU. Every rank makes this call. The
// backend must outlive the answer. Throws Error when NCCL cannot connect the ranks.
std::unique_ptr<Communicator> make_device_communicator(std::unique_ptr<Communicator> host,
                                                       Backend& backend, Transport transport);

}  // namespace d2l
