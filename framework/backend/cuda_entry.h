#pragma once

#include <string>

#include "framework/backend/cuda_module.h"

// What libd2l_cuda.so exports to framework/backend/cuda_module.cpp. C linkage for the sake of the
// names alone: both sides are built together.
extern "C" {
// The number of usable GPUs; for 0, why, where it is asked for.
int d2l_cuda_devices(std::string* trouble);
void d2l_cuda_device_address(int device, std::string* address);
// The caller owns it.
d2l::Backend* d2l_cuda_backend(const d2l::CudaOptions& options);
}
