#pragma once

#include <memory>

#include "framework/backend/backend.h"
#include "framework/comm/communicator.h"

namespace d2l {

// How ranks exchange data in the memory of GPUs.
enum class Transport {
  nccl,  // NCCL, between the GPUs
  host,  // copies in host memory; ranks may then share a GPU
};

// Extends `host` to the memory of `backend`'s GPU. An operation on that memory begins after what
// the backend has queued before it; what the backend queues after wait() sees the result. `host`
// still does the operations on host memory, and is returned itself if there is one rank or the
// backend computes on the CPU. Every rank makes this call. The backend must outlive the result.
// Throws Error if NCCL cannot connect the ranks.
std::unique_ptr<Communicator> make_device_communicator(std::unique_ptr<Communicator> host,
                                                       Backend& backend, Transport transport);

}  // namespace d2l
