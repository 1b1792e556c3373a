#pragma once

#include <memory>

#include "framework/backend/backend.h"
#include "framework/comm/communicator.h"

// What libd2l_cuda.so (framework/backend/cuda_module.h) exports to device_communicator.cpp.
extern "C" {
// The backend is one of the module's own. The caller owns the answer, which owns *host.
d2l::Communicator* d2l_nccl_communicator(std::unique_ptr<d2l::Communicator>* host,
                                         d2l::Backend& backend);
}
