#pragma once

#include <memory>

#include "framework/backend/backend.h"

// Access to GPUs. All CUDA code is in one module, libd2l_cuda.so, because many machines lack the
// libraries and the driver. It is loaded when GPUs are used for the first time. $D2L_CUDA_MODULE
// names another file.

namespace d2l {

struct CudaOptions {
  int device = 0;              // index among the GPUs that the driver shows
  bool tf32 = false;           // TF32 tensor cores: f32 factors keep 19 bits; several times as fast
  bool deterministic = false;  // only kernels that add in a fixed order
};

// The number of GPUs that this program can use; 0 without the module, a driver or a GPU.
int count_cuda_devices();
// If the number is 0: one sentence that says which of the three is missing.
std::string why_no_cuda();
// Whether GPUs are expected: $D2L_CUDA_MODULE is set or NVIDIA's driver is running. If GPUs are
// expected but not found, warn the user.
bool expects_cuda();
// The PCI address on the host, "0000:65:00.0": independent of the device's index.
std::string cuda_device_address(int device);
// Throws Error with why_no_cuda(), or if there is no such device.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options);

// Returns the address of an exported function of the module. Throws Error if the module cannot be
// loaded. For other parts of the program that have code in the module.
void* cuda_module_function(const char* name);

}  // namespace d2l
