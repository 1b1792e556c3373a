#pragma once

#include <string>

#include "framework/backend/cuda_module.h"

// The functions that libd2l_cuda.so exports to framework/backend/cuda_module.cpp. They have C
// linkage only so that their names are not mangled. C++ types are allowed, because both sides are
// built together.
extern "C" {
// Returns the number of usable GPUs. If it is 0 and `trouble` is not null, writes the reason there.
int d2l_cuda_devices(std::string* trouble);
void d2l_cuda_device_address(int device, std::string* address);
// The caller owns the result.
d2l::Backend* d2l_cuda_backend(const d2l::CudaOptions& options);
}
