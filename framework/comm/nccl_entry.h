#pragma once

#include <memory>

#include "framework/backend/backend.h"
#include "framework/comm/communicator.h"

// What libd2l_cuda.so (framework/backend/cuda_module.h) exports for device_communicator.cpp.
extern "C" {
// The backend must be the module's own. The caller owns the result, which takes over *host.
d2l::Communicator* d2l_nccl_communicator(std::unique_ptr<d2l::Communicator>* host,
                                         d2l::Backend& backend);
}
